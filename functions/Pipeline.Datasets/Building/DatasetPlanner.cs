using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Rows;
using Pipeline.Datasets.Validation;

namespace Pipeline.Datasets.Building;

/// <summary>
/// Reads all rows once, to learn what they have in common: the labels, the phrases, where rows begin.
/// </summary>
internal static class DatasetPlanner
{
    /// <summary>Most labels that the default system prompt lists; more would crowd out the text.</summary>
    private const int MostListedLabels = 20;

    /// <summary>Makes the plan.</summary>
    /// <param name="request">What the dataset is made of.</param>
    /// <param name="inputs">Its files, opened.</param>
    /// <param name="partBytes">Bytes a part where a file can be divided; the dataset is the same whatever they
    /// are.</param>
    public static DatasetPlan Plan(DatasetRequest request, DatasetInputs inputs, long partBytes)
    {
        ProjectSettings settings = inputs.Settings;
        bool hasLabels = settings.Task == ProjectSettings.ClassificationTask;
        var reading = new FirstReading(
            settings.Task,
            hasLabels,
            countSpellings: hasLabels && settings.Labels.Count == 0
        );
        List<DatasetPart> parts =
        [
            .. inputs.All.Index().SelectMany(i => reading.Parts(i.Index, i.Item, inputs.Notes, partBytes)),
        ];
        LabelSet? labels =
            !hasLabels ? null
            : settings.Labels.Count > 0 ? LabelSet.From(settings.Labels)
            : LabelSet.FromData(Cleaned(reading.Spellings));
        return new DatasetPlan
        {
            DatasetId = request.DatasetId(),
            Settings = request.Settings,
            Without = request.Without,
            Task = settings.Task,
            Spellings = labels?.Spellings,
            HasLabelDefinitions = settings.Labels.Count > 0,
            SystemPrompt = settings.SystemPrompt ?? DefaultSystemPrompt(labels),
            Layout = inputs.Layout.Name,
            Columns = inputs.Layout.Columns,
            CommonShingles = reading.CommonShingles.Found(),
            Parts = parts,
            Notes = inputs.Notes.Sentences,
            Sources =
            [
                .. request
                    .Files.Append(request.TestFile)
                    .OfType<RawFile>()
                    .Select(f => new SourceFile(f.Name, f.Length, f.Sha256)),
            ],
        };
    }

    private static Dictionary<string, int> Cleaned(IReadOnlyDictionary<string, int> spellings)
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
