using Pipeline.Contracts;
using Pipeline.Datasets.Splitting;
using Pipeline.Datasets.Validation;

namespace Pipeline.Datasets.Building;

/// <summary>Writes <c>manifest.json</c>: every row accounted for, every file by its hash.</summary>
/// <param name="request">What the dataset is made of.</param>
/// <param name="plan">Its plan.</param>
/// <param name="rows">The rows of all parts.</param>
/// <param name="labels">The labels; <c>null</c>: there are none.</param>
internal sealed class ManifestWriter(DatasetRequest request, DatasetPlan plan, PartRows rows, LabelSet? labels)
{
    /// <summary>Writes the manifest into a folder.</summary>
    public DatasetManifest Write(string folder, ManifestContent content)
    {
        DatasetManifest manifest = Manifest(content);
        WriteJson(folder, BlobLayout.ManifestFile, manifest);
        return manifest;
    }

    /// <summary>Writes a contract into a folder.</summary>
    /// <returns>Its SHA-256.</returns>
    public static string WriteJson<T>(string folder, string name, T value)
    {
        byte[] bytes = ContractJson.WriteUtf8(value, indented: true);
        File.WriteAllBytes(Path.Combine(folder, name), bytes);
        return ContentHash.Sha256(bytes);
    }

    private DatasetManifest Manifest(ManifestContent content)
    {
        ProjectSettings settings = request.Settings with { Task = plan.Task };
        SortedDictionary<string, int> byLabel = new(
            content
                .Accepted.Select(i => rows.Accepted[i].Split.Label)
                .Where(l => l >= 0)
                .CountBy(l => l)
                .ToDictionary(l => labels!.Labels[l.Key], l => l.Value),
            StringComparer.Ordinal
        );
        return new DatasetManifest
        {
            DatasetId = content.DatasetId,
            Synthesis = content.Synthesis,
            Replaced = content.Replaced,
            Project = request.Project,
            Task = plan.Task,
            Labels = [.. byLabel.Keys],
            SystemPrompt = plan.SystemPrompt ?? "",
            Columns = plan.Columns,
            Layout = plan.Layout,
            Notes = content.Notes,
            Sources = plan.Sources,
            Rows = Counts(content),
            Corrections = Corrections(content),
            Guard =
                request.GuardFile is { } guard && plan.GuardTask is { } task
                    ? new GuardSet(guard.Name, task, content.Guards.Count)
                    : null,
            Reasons = rows.Reasons,
            NearDuplicates = content.NearDuplicates,
            RowsByLabel = byLabel,
            Base = settings.Base,
            Template = request.Encoder.Template.Name,
            TokenizerSha256 = request.TokenizerSha256,
            LongestTokens = rows.LongestTokens(settings.Validation.MaxTokens),
            Files = content.Files,
            Settings = settings,
        };
    }

    private CorrectionCounts? Corrections(ManifestContent content) =>
        request.Corrections is null || rows.CorrectionCount == 0
            ? null
            : new CorrectionCounts(
                request.Corrections.Name,
                rows.CorrectionCount,
                rows.NamedCorrections,
                content.Accepted.Count(rows.IsCorrection),
                rows.Reasons.GetValueOrDefault(RejectionReason.Corrected.Name())
            )
            {
                NamedAccepted = content.Accepted.Count(i =>
                    rows.IsCorrection(i) && rows.Accepted[i].Kind != RowKind.Unnamed
                ),
            };

    private RowCounts Counts(ManifestContent content)
    {
        int duplicates =
            rows.Reasons.GetValueOrDefault(RejectionReason.Duplicate.Name())
            + rows.Reasons.GetValueOrDefault(RejectionReason.NearDuplicate.Name());
        int LinesOf(Split split) => content.Lines.Count(l => l.Split == split);
        return new RowCounts(
            rows.Count,
            content.Accepted.Count + content.Guards.Count,
            rows.Reasons.Values.Sum() - duplicates,
            duplicates,
            LinesOf(Split.Train),
            LinesOf(Split.Validation),
            LinesOf(Split.Test)
        );
    }
}

/// <summary>What the manifest says beside the plan.</summary>
/// <param name="DatasetId">The dataset's id.</param>
/// <param name="Accepted">Rows of the dataset, by their indices among the accepted ones.</param>
/// <param name="Guards">Those of its guard set.</param>
/// <param name="Lines">Its lines.</param>
/// <param name="NearDuplicates">How many rows are nearly the same.</param>
/// <param name="Files">SHA-256 of each file.</param>
/// <param name="Synthesis">What the generators made.</param>
/// <param name="Replaced">Replaced values by type.</param>
/// <param name="Notes">What was noticed.</param>
internal sealed record ManifestContent(
    string DatasetId,
    IReadOnlyList<int> Accepted,
    IReadOnlyList<int> Guards,
    IReadOnlyList<SplitLine> Lines,
    NearDuplicateCounts NearDuplicates,
    IReadOnlyDictionary<string, string> Files,
    IReadOnlyList<SynthesisSummary> Synthesis,
    IReadOnlyDictionary<string, long> Replaced,
    IReadOnlyList<string> Notes
);
