using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Rows;
using Pipeline.Datasets.Validation;

namespace Pipeline.Datasets.Building;

/// <summary>
/// Plans a dataset in one pass over its rows, besides the recognition of layouts and the hashing: it collects labels,
/// common shingles and the byte offsets at which files can be divided.
/// </summary>
internal static class DatasetPlanner
{
    /// <summary>Labels that the default system prompt lists at most; more would crowd out the text.</summary>
    private const int MaxListedLabels = 20;

    /// <summary>Makes the plan.</summary>
    /// <param name="request">What the dataset is made of.</param>
    /// <param name="inputs">Its files, opened.</param>
    /// <param name="partBytes">Minimum bytes per part where a file can be divided; the dataset does not depend on
    /// them.</param>
    public static DatasetPlan Plan(DatasetRequest request, DatasetInputs inputs, long partBytes)
    {
        ProjectSettings settings = inputs.Settings;
        bool hasLabels = settings.Task == TaskKind.Classification;
        var reading = new FirstPass(settings.Task, hasLabels, countSpellings: hasLabels && settings.Labels.Count == 0);
        List<DatasetPart> parts =
        [
            .. inputs.All.Index().SelectMany(i => reading.ReadAndDivide(i.Index, i.Item, inputs.Notes, partBytes)),
        ];
        LabelSet? labels =
            !hasLabels ? null
            : settings.Labels.Count > 0 ? LabelSet.From(settings.Labels)
            : LabelSet.FromData(MergeCleaned(reading.SpellingCounts));
        return new DatasetPlan
        {
            DatasetId = request.DatasetId(),
            Settings = request.Settings,
            Without = request.Without,
            Task = settings.Task,
            GuardTask = inputs.GuardTask,
            Spellings = labels?.Spellings,
            HasLabelDefinitions = settings.Labels.Count > 0,
            SystemPrompt = settings.SystemPrompt ?? DefaultSystemPrompt(labels),
            Layout = inputs.Layout.Name,
            Columns = inputs.Layout.Columns,
            HasOwnSplit = reading.HasOwnSplit,
            CommonShingles = reading.CommonShingles.Found(),
            Parts = parts,
            Notes = Notes(request, inputs, reading.HasOwnSplit),
            Sources =
            [
                .. request
                    .Files.Append(request.TestFile)
                    .Append(request.Corrections)
                    .Append(request.GuardFile)
                    .OfType<RawFile>()
                    .Select(f => new SourceFile(f.Name, f.Length, f.Sha256)),
            ],
        };
    }

    private static List<string> Notes(DatasetRequest request, DatasetInputs inputs, bool hasOwnSplit)
    {
        List<string> notes = [.. inputs.Notes.Sentences];
        string file = request.Files[0].Name;
        if (inputs.OwnSplitBy is { } by && (hasOwnSplit || request.Settings.Split.Mix))
        {
            notes.Add(
                request.Settings.Split.Mix
                    ? $"'{file}' has a split of its own, by {by}; its rows are mixed, as split.mix says."
                    : $"'{file}' has a split of its own, by {by}; it is kept."
            );
        }

        if (request.Encoder.TemplateNote is { } template)
        {
            notes.Add(template);
        }

        return notes;
    }

    private static Dictionary<string, int> MergeCleaned(IReadOnlyDictionary<string, int> spellings)
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
            { Labels.Count: <= MaxListedLabels } =>
                $"You label a text. Answer with one of: {string.Join(", ", labels.Labels)}.",
            _ => "You label a text. Answer with its label alone.",
        };
}
