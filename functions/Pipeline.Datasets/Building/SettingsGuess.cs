using Pipeline.Contracts;
using Pipeline.Datasets.Configuration;
using Pipeline.Datasets.Validation;

namespace Pipeline.Datasets.Building;

/// <summary>Settings that fit a file, each with its evidence, from a preview of it.</summary>
public static class SettingsGuess
{
    private const int MaxListedLabels = 50;
    private const int TokensMultiple = 32;

    /// <summary>The guesses.</summary>
    /// <param name="preview">The file's.</param>
    public static IReadOnlyList<SettingGuess> From(DatasetPreview preview)
    {
        ArgumentNullException.ThrowIfNull(preview);
        DatasetPlan plan = preview.Plan;
        string[] labels = [.. plan.Labels()?.Labels ?? []];
        List<SettingGuess> guesses = [new("task", plan.Task.Name(), TaskEvidence(plan, labels))];
        if (plan.Layout.StartsWith(DatasetManifest.TextAndLabel, StringComparison.Ordinal))
        {
            string also = string.Join(", ", plan.Settings.Columns.AlsoText.Select(YamlText.Scalar));
            guesses.Add(new("columns.text", YamlText.Scalar(plan.Columns.Text), "the column of the text"));
            if (also.Length > 0)
            {
                guesses.Add(
                    new("columns.alsoText", $"[{also}]", "more texts of the question; take out what does not belong")
                );
            }

            guesses.Add(new("columns.label", YamlText.Scalar(plan.Columns.Label), "the column of the answer"));
        }
        else if (plan.Settings.Columns.Ignore.Count > 0)
        {
            string ignored = string.Join(", ", plan.Settings.Columns.Ignore.Select(YamlText.Scalar));
            guesses.Add(new("columns.ignore", $"[{ignored}]", "columns of texts that would not be read"));
        }

        if (labels.Length is > 0 and <= MaxListedLabels && !preview.IsCut)
        {
            string list = string.Concat(labels.Select(l => $"\n  - name: {YamlText.Scalar(l)}\n    aliases: []"));
            guesses.Add(new("labels", "\n" + list[1..], $"those that stand in at least {LabelSet.MinRows} rows"));
        }

        if (preview.LongestTokens > 0)
        {
            int most = Math.Max(64, (preview.LongestTokens + TokensMultiple - 1) / TokensMultiple * TokensMultiple);
            guesses.Add(
                new(
                    "validation.maxTokens",
                    $"{most}",
                    $"the longest of the first {preview.Rows} rows has {preview.LongestTokens}"
                )
            );
        }

        return guesses;
    }

    private static string TaskEvidence(DatasetPlan plan, string[] labels) =>
        plan.Task switch
        {
            TaskKind.Classification =>
                $"'{plan.Columns.Label}' holds {labels.Length} labels, which come again and again",
            TaskKind.Instruction => $"the answers are free texts ({plan.Layout})",
            _ => $"the file holds {plan.Layout}",
        };

    /// <summary>
    /// Settings with the answers that a question suggests (see <see cref="DatasetException.Lines"/>).
    /// </summary>
    /// <exception cref="DatasetException">The lines cannot be read, or the question cannot be answered by
    /// them.</exception>
    public static ProjectSettings Answer(ProjectSettings settings, DatasetException question)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(question);
        ProjectSettings answers = ProjectFile.Read(question.Lines ?? throw question);
        return settings with { Columns = answers.Columns, Template = settings.Template ?? answers.Template };
    }
}
