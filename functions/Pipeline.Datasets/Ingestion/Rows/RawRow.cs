using Pipeline.Contracts;

namespace Pipeline.Datasets.Ingestion.Rows;

/// <summary>One row as it was read.</summary>
/// <param name="Place">Where it stands.</param>
/// <param name="Fields">Its values by column.</param>
/// <param name="Fault">Why it cannot be read as a row, or <c>null</c>.</param>
public sealed record RawRow(RowPlace Place, IReadOnlyDictionary<string, string> Fields, string? Fault)
{
    /// <summary>The fault of a row that was withdrawn.</summary>
    public const string Withdrawn = "withdrawn: nothing of it is kept";

    /// <summary>The id of the row in datasets.</summary>
    public string Id => $"{Place.File}#{Place.Row}";
}
