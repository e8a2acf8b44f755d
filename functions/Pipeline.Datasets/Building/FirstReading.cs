using Pipeline.Datasets.Ingestion.Layouts;
using Pipeline.Datasets.Ingestion.Rows;
using Pipeline.Datasets.Splitting;
using Pipeline.Datasets.Validation;

namespace Pipeline.Datasets.Building;

/// <summary>
/// What the first reading of a dataset's files finds: spellings of labels, common phrases, where rows begin.
/// </summary>
/// <param name="task">The task.</param>
/// <param name="hasLabels">Whether answers are labels.</param>
/// <param name="countSpellings">Whether the labels are those of the data.</param>
internal sealed class FirstReading(string task, bool hasLabels, bool countSpellings)
{
    /// <summary>Most spellings of labels in the data; a column with more holds none.</summary>
    private const int MostSpellings = 100_000;

    private readonly Dictionary<string, int> _spellings = new(StringComparer.Ordinal);

    /// <summary>Rows of each spelling.</summary>
    public IReadOnlyDictionary<string, int> Spellings => _spellings;

    /// <summary>Shingles that many texts share.</summary>
    public CommonShingles CommonShingles { get; } = new();

    /// <summary>Reads a file, and divides it where it can be.</summary>
    /// <param name="number">The file's index among the inputs.</param>
    /// <param name="input">The file.</param>
    /// <param name="notes">Know, once it is read, whether its parts can be read by themselves.</param>
    /// <param name="partBytes">Bytes a part, at least.</param>
    /// <exception cref="DatasetException">The label column holds no labels.</exception>
    public IReadOnlyList<DatasetPart> Parts(int number, DatasetInput input, ReadingNotes notes, long partBytes)
    {
        RowRange? open = null;
        List<DatasetPart> ranges = [];
        foreach (RawRow row in input.Rows(null))
        {
            if (input.CanSplit && row.Place.Offset >= 0 && row.Place.Offset - (open?.Start ?? 0) >= partBytes)
            {
                RowRange range = (open ?? RowRange.Whole) with { End = row.Place.Offset };
                ranges.Add(new DatasetPart(number, input.IsTest, range));
                open = new RowRange(row.Place.Offset, long.MaxValue, row.Place.Row, row.Place.Line);
            }

            if (row.Fault is null)
            {
                CountSpelling(row, input);
                Sample(row, input.Layout);
            }
        }

        return notes.CanSplit(input.File)
            ? [.. ranges, new DatasetPart(number, input.IsTest, open)]
            : [new DatasetPart(number, input.IsTest, null)];
    }

    private void CountSpelling(RawRow row, DatasetInput input)
    {
        string column = input.Layout.Columns.Label;
        if (!countSpellings || !row.Fields.TryGetValue(column, out string? label))
        {
            return;
        }

        _spellings[label] = _spellings.GetValueOrDefault(label) + 1;
        if (_spellings.Count > MostSpellings)
        {
            throw new DatasetException(
                DatasetException.NoColumn,
                $"Column '{column}' of '{input.File.Name}' has more than {MostSpellings:N0} different values: "
                    + "these are no labels. Name another column with columns.label in project.yaml, or another task."
            );
        }
    }

    private void Sample(RawRow row, RowLayout layout)
    {
        if (!CommonShingles.Wants)
        {
            CommonShingles.Pass();
            return;
        }

        RowContent content = layout.Map(row, task);
        if (content.Reason is null)
        {
            CommonShingles.Add(MessageCleaning.PromptText(MessageCleaning.Clean(content, layout, hasLabels)));
        }
    }
}
