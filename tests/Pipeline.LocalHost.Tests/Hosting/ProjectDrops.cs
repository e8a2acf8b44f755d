using System.Text;
using Pipeline.Contracts;
using Pipeline.Storage;

namespace Pipeline.LocalHost.Tests.Hosting;

/// <summary>How a person begins a run, and what the worker reports of it, on a storage account.</summary>
internal static class ProjectDrops
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static Task PutProjectAsync(this PipelineStorage storage, string project, string yaml) =>
        storage.Files.WriteAsync(BlobLayout.Project(project), Encoding.UTF8.GetBytes(yaml), Cancellation);

    public static Task DropAsync(this PipelineStorage storage, string project, string file, string text) =>
        storage.Files.WriteAsync(BlobLayout.Raw(project, file), Encoding.UTF8.GetBytes(text), Cancellation);

    /// <summary>Lines of progress so far; empty: none yet.</summary>
    public static async Task<IReadOnlyList<TrainingProgress>> ReadProgressAsync(
        this PipelineStorage storage,
        string runId
    ) =>
        [
            .. Encoding
                .UTF8.GetString(await storage.Files.ReadAsync(BlobLayout.Progress(runId), Cancellation) ?? [])
                .Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(l => ContractJson.Read<TrainingProgress>(l)),
        ];

    /// <summary>The number of each training step that was reported, in the order of the reports.</summary>
    public static async Task<IReadOnlyList<int>> ReadStepsAsync(this PipelineStorage storage, string runId) =>
        [.. (await storage.ReadProgressAsync(runId)).Where(l => l.Loss is not null).Select(l => l.Done)];

    /// <summary>Every line of a project's log of verdicts.</summary>
    public static async Task<IReadOnlyList<FeedbackRecord>> ReadVerdictsAsync(
        this PipelineStorage storage,
        string project
    )
    {
        List<FeedbackRecord> verdicts = [];
        string prefix = BlobLayout.VerdictLogPrefix(project);
        foreach ((string name, _) in await storage.Files.ListAsync(BlobLayout.FeedbackContainer, prefix, Cancellation))
        {
            byte[]? day = await storage.Files.ReadAsync(
                new BlobAddress(BlobLayout.FeedbackContainer, name),
                Cancellation
            );
            verdicts.AddRange(
                Encoding
                    .UTF8.GetString(day!)
                    .Split('\n', StringSplitOptions.RemoveEmptyEntries)
                    .Select(l => ContractJson.Read<FeedbackRecord>(l))
            );
        }

        return verdicts;
    }
}
