using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Layouts;
using Pipeline.Datasets.Ingestion.Rows;
using Pipeline.Datasets.Splitting;
using Pipeline.Datasets.Validation;

namespace Pipeline.Datasets.Building;

/// <summary>
/// The first pass over a dataset's rows: it counts spellings of labels, samples shingles and finds the byte offsets at
/// which files can be divided.
/// </summary>
/// <param name="task">The task.</param>
/// <param name="hasLabels">Whether answers are labels.</param>
/// <param name="countSpellings">Whether to count the label column's values: project.yaml defines no labels.</param>
internal sealed class FirstPass(TaskKind task, bool hasLabels, bool countSpellings)
{
    /// <summary>Maximum of distinct values; a column with more is not a label column.</summary>
    private const int MaxLabelSpellings = 100_000;

    /// <summary>Maximum of characters of all distinct values.</summary>
    private const long MaxLabelCharacters = 20_000_000;

    private readonly bool[] _sides = new bool[3];
    private readonly Dictionary<string, int> _spellings = new(StringComparer.Ordinal);
    private long _spellingCharacters;

    /// <summary>Row count by spelling.</summary>
    public IReadOnlyDictionary<string, int> SpellingCounts => _spellings;

    /// <summary>Shingles too frequent to indicate near duplicates.</summary>
    public CommonShingles CommonShingles { get; } = new();

    /// <summary>Whether the data has a split of its own: held-out rows, and others.</summary>
    public bool HasOwnSplit { get; private set; }

    /// <summary>Reads a file, and divides it where it can be.</summary>
    /// <param name="inputIndex">The file's index among the inputs.</param>
    /// <param name="input">The file.</param>
    /// <param name="notes">Tell, after the file was read, whether it can be divided.</param>
    /// <param name="partBytes">Minimum bytes before a new part begins; the last may be shorter.</param>
    /// <exception cref="DatasetException">The label column has too many distinct values.</exception>
    public IReadOnlyList<DatasetPart> ReadAndDivide(
        int inputIndex,
        DatasetInput input,
        ReadingNotes notes,
        long partBytes
    )
    {
        DatasetPart Part(RowRange? range) =>
            new(inputIndex, input.IsTest, range) { Correction = input.Correction, IsGuard = input.IsGuard };
        RowRange? current = null;
        List<DatasetPart> ranges = [];
        foreach (RawRow row in input.Rows(null))
        {
            if (input.SupportsRanges && row.Place.Offset >= 0 && row.Place.Offset - (current?.Start ?? 0) >= partBytes)
            {
                RowRange range = (current ?? RowRange.Whole) with { End = row.Place.Offset };
                ranges.Add(Part(range));
                current = new RowRange(row.Place.Offset, long.MaxValue, row.Place.Row, row.Place.Line);
            }

            if (row.Fault is null && !input.IsGuard)
            {
                NoteSide(row, input.Layout);
                if (input.Correction != CorrectionKind.Unnamed) // they make no label
                {
                    CountSpelling(row, input);
                    SampleShingles(row, input.Layout);
                }
            }
        }

        HasOwnSplit = _sides[(int)Split.Train] && (_sides[(int)Split.Validation] || _sides[(int)Split.Test]);
        return notes.IsSafeToDivide(input.File) ? [.. ranges, Part(current)] : [Part(null)];
    }

    /// <summary>A side counts once a row of it can be read.</summary>
    private void NoteSide(RawRow row, RowLayout layout)
    {
        if (row.Split is { } side && !_sides[(int)side])
        {
            _sides[(int)side] = layout.Map(row, task).Reason is null;
        }
    }

    private void CountSpelling(RawRow row, DatasetInput input)
    {
        if (!countSpellings || input.Layout.LabelOf(row) is not { } label)
        {
            return;
        }

        int rows = _spellings.GetValueOrDefault(label);
        _spellings[label] = rows + 1;
        _spellingCharacters += rows == 0 ? label.Length : 0;
        if (_spellings.Count > MaxLabelSpellings || _spellingCharacters > MaxLabelCharacters)
        {
            throw new DatasetException(
                DatasetFaultCode.NoColumn,
                $"Column '{input.Layout.Columns.Label}' of '{input.File.Name}' has more than "
                    + $"{MaxLabelSpellings:N0} different values, or {MaxLabelCharacters:N0} characters of them, "
                    + "so it is not a label column. Name another one with columns.label in project.yaml, or "
                    + "another task."
            );
        }
    }

    private void SampleShingles(RawRow row, RowLayout layout)
    {
        if (!CommonShingles.WantsNext)
        {
            CommonShingles.Skip();
            return;
        }

        RowContent content = layout.Map(row, task);
        if (content.Reason is null)
        {
            CommonShingles.Add(MessageCleaning.PromptText(MessageCleaning.Clean(content, layout, hasLabels)));
        }
    }
}
