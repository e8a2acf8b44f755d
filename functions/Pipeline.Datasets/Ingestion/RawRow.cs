using Pipeline.Contracts;

namespace Pipeline.Datasets.Ingestion;

/// <summary>One row as it was read.</summary>
/// <param name="Place">Where it stands.</param>
/// <param name="Fields">Its values by column.</param>
/// <param name="Fault">Why it cannot be read as a row, or <c>null</c>.</param>
public sealed record RawRow(RowPlace Place, IReadOnlyDictionary<string, string> Fields, string? Fault);
