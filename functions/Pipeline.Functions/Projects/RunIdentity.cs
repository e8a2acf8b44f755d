using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Storage;

namespace Pipeline.Functions.Projects;

/// <summary>
/// The id of a run: the project, a hash of its raw files' bytes, and a hash of its settings. The same bytes and
/// settings give the same run.
/// </summary>
public sealed class RunIdentity(PipelineStorage storage, ProjectReader projects)
{
    /// <summary>What a run of a raw blob is about, with the id that follows from what lies in storage now.</summary>
    /// <param name="project">The project.</param>
    /// <param name="source">The raw blob's name within its project.</param>
    /// <param name="feedbackBatch">Name of the blob of corrections that go in too; <c>null</c>: none.</param>
    /// <param name="trigger">drop, http, feedback or timer; not part of the id.</param>
    /// <param name="cancellation">Ends the call.</param>
    /// <exception cref="DatasetException">A blob does not exist or the settings cannot be read.</exception>
    public async Task<PipelineInput> IdentifyAsync(
        string project,
        string source,
        string? feedbackBatch,
        string trigger,
        CancellationToken cancellation
    )
    {
        ProjectSettings settings = await projects.SettingsAsync(project, cancellation);
        string content = await HashAsync(BlobLayout.Raw(project, source), cancellation);
        string test = settings.Split.TestFile is { } name
            ? await HashAsync(BlobLayout.Raw(project, name), cancellation)
            : "";
        List<string> corrected = [];
        foreach (string file in await projects.CorrectedAsync(project, source, cancellation))
        {
            corrected.Add(await HashAsync(BlobLayout.Raw(project, file), cancellation));
        }

        IReadOnlyList<string> withdrawn = await projects.WithdrawnAsync(project, cancellation);
        string contentHash = ContentHash.ShortOf([content, test, feedbackBatch ?? "", .. corrected, .. withdrawn]);
        string settingsHash = ContentHash.ShortOf(ContractJson.Write(settings));
        return new PipelineInput(
            $"{project}-{contentHash[..10]}-{settingsHash[..6]}",
            project,
            source,
            feedbackBatch,
            trigger
        );
    }

    /// <summary>Whether a run's raw files and settings still are those that its id was made of.</summary>
    public async Task<bool> IsCurrentAsync(PipelineInput input, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(input);
        PipelineInput current = await IdentifyAsync(
            input.Project,
            input.Source,
            input.FeedbackBatch,
            input.Trigger,
            cancellation
        );
        return current.RunId == input.RunId;
    }

    private async Task<string> HashAsync(BlobAddress address, CancellationToken cancellation) =>
        await storage.Files.HashAsync(address, cancellation)
        ?? throw new DatasetException(DatasetException.UnreadableFile, $"'{address}' does not exist; drop it first.");
}
