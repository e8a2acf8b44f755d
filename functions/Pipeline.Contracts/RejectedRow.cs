namespace Pipeline.Contracts;

/// <summary>One row of <c>rejected.jsonl</c>: a row that did not become an example, kept with its reason.</summary>
/// <param name="Id">The id that the row would have had.</param>
/// <param name="Outcome"><c>rejected</c> or <c>duplicate</c>.</param>
/// <param name="Reason">A code of <see cref="RejectionReason"/>.</param>
/// <param name="Detail">What is wrong in words a clerk can act on.</param>
/// <param name="DuplicateOf">The id of the row that was kept, for duplicates and conflicts.</param>
/// <param name="Source">Where it stands.</param>
/// <param name="Fields">The row as it was read, column by column.</param>
public sealed record RejectedRow(
    string Id,
    string Outcome,
    string Reason,
    string Detail,
    string? DuplicateOf,
    RowPlace Source,
    IReadOnlyDictionary<string, string> Fields
)
{
    public const string Rejected = "rejected";
    public const string Duplicate = "duplicate";
}
