namespace Pipeline.Contracts;

/// <summary>One row of <c>rejected.jsonl</c>: a row that did not become an example, kept with its reason.</summary>
/// <param name="Id">The id that the row would have had.</param>
/// <param name="Outcome">Rejected, or a duplicate.</param>
/// <param name="Reason">Why.</param>
/// <param name="Detail">What is wrong in words a clerk can act on.</param>
/// <param name="DuplicateOf">The id of the row that was kept, for duplicates and conflicts.</param>
/// <param name="Source">Where it stands.</param>
/// <param name="Fields">The row as it was read, column by column.</param>
public sealed record RejectedRow(
    string Id,
    RejectionOutcome Outcome,
    RejectionReason Reason,
    string Detail,
    string? DuplicateOf,
    RowPlace Source,
    IReadOnlyDictionary<string, string> Fields
);
