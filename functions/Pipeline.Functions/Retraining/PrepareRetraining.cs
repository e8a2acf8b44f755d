using System.Text;
using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Functions.Projects;
using Pipeline.Functions.Runs;
using Pipeline.Registry.Feedback;
using Pipeline.Storage;

namespace Pipeline.Functions.Retraining;

/// <summary>
/// Gathers all decided corrections, old and new, into one file of rows beside the rows of the last completed run.
/// </summary>
public sealed class PrepareRetraining(
    PipelineStorage storage,
    RunStarter starter,
    RetrainingStarter retraining,
    ProjectReader projects
)
{
    public const string Name = nameof(PrepareRetraining);

    [Function(Name)]
    public async Task<RetrainingPlan?> Run([ActivityTrigger] RetrainingInput input, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(input);
        (string Source, string DatasetId)? last = await LastAsync(input.Project, cancellation);
        DatasetManifest? manifest = last is null
            ? null
            : await storage.Files.ReadJsonAsync<DatasetManifest>(
                BlobLayout.Dataset(last.Value.DatasetId, BlobLayout.ManifestFile),
                cancellation
            );
        FeedbackSettings policy = (await projects.SettingsAsync(input.Project, cancellation)).Feedback;
        List<VerdictItem> corrections =
        [
            .. (await retraining.ItemsAsync(input.Project, policy, cancellation)).Where(i => i.Answer is not null),
        ];
        if (manifest is null || corrections.Count == 0)
        {
            return null; // no correction, or no completed run to add them to
        }

        var rows = new StringBuilder();
        (string text, string label) = ColumnsOf(manifest);
        foreach (VerdictItem item in corrections)
        {
            var row = new Dictionary<string, string> { [text] = item.Text, [label] = item.Answer! };
            if (item.Reviewers() is { } reviewer)
            {
                row.TryAdd(manifest.Settings.Columns.Reviewer ?? ColumnSettings.ReviewerNames[0], reviewer);
            }

            rows.Append(ContractJson.Write(row)).Append('\n');
        }

        byte[] bytes = Encoding.UTF8.GetBytes(rows.ToString());
        string batch = $"corrections-{ContentHash.Sha256(bytes)[..12]}.jsonl";
        await storage.Files.WriteAsync(BlobLayout.FeedbackBatch(input.Project, batch), bytes, cancellation);
        PipelineInput run = await starter.RecordAsync(
            input.Project,
            last!.Value.Source,
            batch,
            input.Trigger,
            cancellation
        );
        return new RetrainingPlan(run, [.. corrections.SelectMany(i => i.Votes).Select(v => v.FeedbackId)]);
    }

    /// <summary>File and dataset of the last run that has completed; when it was purged, of the last version.</summary>
    private async Task<(string Source, string DatasetId)?> LastAsync(string project, CancellationToken cancellation)
    {
        if (
            (await storage.Runs.ListAsync(project, cancellation)).FirstOrDefault(r =>
                r.State == RunState.Completed && r.DatasetId is not null
            ) is
            { } run
        )
        {
            return (run.Source, run.DatasetId!);
        }

        VersionEntry? version = (await storage.Registry.GetAsync(project, cancellation))
            .Versions.Values.Where(v => v is { Source: not null, DatasetId: not null })
            .MaxBy(v => v.Version);
        return version is null ? null : (version.Source!, version.DatasetId!);
    }

    /// <summary>
    /// The columns of a correction: the data's own where it has one of texts and one of answers, else those by which a
    /// text and its class, or a question and its answer, are read whatever the form of the data.
    /// </summary>
    private static (string Text, string Label) ColumnsOf(DatasetManifest manifest) =>
        manifest.Layout == DatasetManifest.TextAndLabel && manifest.Settings.Columns.AlsoText.Count == 0
            ? (manifest.Columns.Text, manifest.Columns.Label)
        : manifest.Task == TaskKind.Classification ? ("text", "label")
        : ("instruction", "output");
}

/// <summary>A retraining made ready.</summary>
/// <param name="Run">The run to be made.</param>
/// <param name="Feedback">Ids of the corrections that go into it, noted as used when it has completed.</param>
public sealed record RetrainingPlan(PipelineInput Run, IReadOnlyList<string> Feedback);
