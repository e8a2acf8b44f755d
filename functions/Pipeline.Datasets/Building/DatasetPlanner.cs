using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Layouts;
using Pipeline.Datasets.Ingestion.Rows;
using Pipeline.Datasets.Splitting;
using Pipeline.Datasets.Validation;

namespace Pipeline.Datasets.Building;

/// <summary>
/// Reads all rows once, to learn what they have in common: the labels, the phrases, where rows begin.
/// </summary>
internal static class DatasetPlanner
{
    /// <summary>Most labels that the default system prompt lists; more would crowd out the text.</summary>
    private const int MostListedLabels = 20;

    /// <summary>Most spellings of labels in the data; a column with more holds none.</summary>
    private const int MostSpellings = 100_000;

    /// <summary>Makes the plan.</summary>
    /// <param name="request">What the dataset is made of.</param>
    /// <param name="inputs">Its files, opened.</param>
    /// <param name="partBytes">Bytes a part where a file can be divided; the dataset is the same whatever they
    /// are.</param>
    public static DatasetPlan Plan(DatasetRequest request, DatasetInputs inputs, long partBytes)
    {
        ProjectSettings settings = inputs.Settings;
        bool labelled = settings.Task == ProjectSettings.ClassificationTask;
        bool count = labelled && settings.Labels.Count == 0;
        var spellings = new Dictionary<string, int>(StringComparer.Ordinal);
        var common = new CommonShingles();
        List<DatasetPart> parts = [];
        foreach ((int number, DatasetInput input) in inputs.All.Index())
        {
            RowRange? open = null;
            List<DatasetPart> ranges = [];
            foreach (RawRow row in input.Rows(null))
            {
                if (input.CanSplit && row.Place.Offset >= 0 && row.Place.Offset - (open?.Start ?? 0) >= partBytes)
                {
                    ranges.Add(
                        new DatasetPart(number, input.IsTest, (open ?? RowRange.Whole) with { End = row.Place.Offset })
                    );
                    open = new RowRange(row.Place.Offset, long.MaxValue, row.Place.Row, row.Place.Line);
                }

                if (row.Fault is not null)
                {
                    continue;
                }

                if (count && row.Fields.TryGetValue(input.Layout.Columns.Label, out string? label))
                {
                    spellings[label] = spellings.GetValueOrDefault(label) + 1;
                    if (spellings.Count > MostSpellings)
                    {
                        throw new DatasetException(
                            DatasetException.NoColumn,
                            $"Column '{input.Layout.Columns.Label}' of '{input.File.Name}' has more than {MostSpellings:N0} different values: these are no labels. Name another column with columns.label in project.yaml, or another task."
                        );
                    }
                }

                Sample(common, row, input.Layout, settings.Task, labelled);
            }

            parts.AddRange(
                inputs.Notes.CanSplit(input.File)
                    ? [.. ranges, new DatasetPart(number, input.IsTest, open)]
                    : [new DatasetPart(number, input.IsTest, null)]
            );
        }

        LabelSet? labels =
            !labelled ? null
            : settings.Labels.Count > 0 ? LabelSet.From(settings.Labels)
            : LabelSet.FromData(Cleaned(spellings));
        return new DatasetPlan
        {
            DatasetId = request.DatasetId(),
            Settings = request.Settings,
            Without = request.Without,
            Task = settings.Task,
            Spellings = labels?.Spellings,
            SpellingsAreSaid = settings.Labels.Count > 0,
            SystemPrompt = settings.SystemPrompt ?? DefaultSystemPrompt(labels),
            Layout = inputs.Layout.Name,
            Columns = inputs.Layout.Columns,
            CommonShingles = common.Found(),
            Parts = parts,
            Notes = inputs.Notes.Said,
            Sources =
            [
                .. request
                    .Files.Append(request.TestFile)
                    .OfType<RawFile>()
                    .Select(f => new SourceFile(f.Name, f.Length, f.Sha256)),
            ],
        };
    }

    private static void Sample(CommonShingles common, RawRow row, RowLayout layout, string task, bool labelled)
    {
        if (!common.Wants)
        {
            common.Pass();
            return;
        }

        RowContent content = layout.Map(row, task);
        if (content.Reason is null)
        {
            common.Add(RowValidator.PromptText(RowValidator.Clean(content, layout, labelled)));
        }
    }

    private static Dictionary<string, int> Cleaned(Dictionary<string, int> spellings)
    {
        var cleaned = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach ((string raw, int rows) in spellings)
        {
            string label = TextCleaning.Clean(raw);
            cleaned[label] = cleaned.GetValueOrDefault(label) + rows;
        }

        return cleaned;
    }

    private static string? DefaultSystemPrompt(LabelSet? labels) =>
        labels switch
        {
            null => null,
            { Labels.Count: <= MostListedLabels } =>
                $"You label a text. Answer with one of: {string.Join(", ", labels.Labels)}.",
            _ => "You label a text. Answer with its label alone.",
        };
}
