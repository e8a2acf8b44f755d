using Pipeline.Contracts;

namespace Pipeline.Registry.Review;

/// <summary>A row of a dataset that a person could decide on.</summary>
/// <param name="Kind">Unlabelled, rejected or synthetic.</param>
/// <param name="Text">Its text.</param>
/// <param name="Answer">The answer that it bears; <c>null</c>: none that could be right.</param>
/// <param name="RowId">Its id in the dataset.</param>
/// <param name="Why">Why it is a candidate, in words.</param>
public sealed record ReviewCandidate(ReviewKind Kind, string Text, string? Answer, string RowId, string Why)
{
    /// <summary>The text's, as <see cref="ReviewItem.Id"/>.</summary>
    public string Id { get; } = ReviewItems.IdOf(Text);
}
