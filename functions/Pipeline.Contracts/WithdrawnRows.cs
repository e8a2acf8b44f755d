namespace Pipeline.Contracts;

/// <summary>
/// <c>projects/{project}/withdrawn.json</c>: rows of raw files that no dataset of the project is made with any more.
/// </summary>
/// <param name="Rows">Ids, such as <c>tweets.csv#12</c>, in ordinal order.</param>
public sealed record WithdrawnRows(IReadOnlyList<string> Rows);
