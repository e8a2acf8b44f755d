namespace Pipeline.Datasets.Ingestion.Rows;

/// <summary>Rows of a file that stand one after the other.</summary>
/// <param name="Start">The byte at which the first one stands.</param>
/// <param name="End">The byte at which the first one after them stands.</param>
/// <param name="FirstRow">The first one's number, from 1.</param>
/// <param name="FirstLine">The line on which it stands, from 1.</param>
public sealed record RowRange(long Start, long End, int FirstRow, int FirstLine)
{
    /// <summary>All of a file.</summary>
    public static RowRange Whole { get; } = new(0, long.MaxValue, 1, 1);
}
