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
    /// <summary>What a run of a raw blob is about, with the id that follows from what is in storage now.</summary>
    /// <param name="project">The project.</param>
    /// <param name="source">The raw blob's name within its project.</param>
    /// <param name="feedbackBatch">Name of the blob of corrections that go in too; <c>null</c>: none.</param>
    /// <param name="trigger">drop, http, feedback or timer; not part of the id.</param>
    /// <param name="cancellation">Ends the call.</param>
    /// <returns>The run and the settings that it is to keep.</returns>
    /// <exception cref="DatasetException">A blob does not exist or the settings cannot be read.</exception>
    public async Task<(PipelineInput Input, ProjectSettings Settings)> IdentifyAsync(
        string project,
        string source,
        string? feedbackBatch,
        RunTrigger trigger,
        CancellationToken cancellation
    )
    {
        if (SafeName.Fault(source, NameKind.Path) is { } fault)
        {
            throw new DatasetException(DatasetFaultCode.UnreadableFile, fault);
        }

        ProjectSettings settings = await projects.SettingsAsync(project, cancellation);
        string raw = await HashAsync(BlobLayout.Raw(project, source), cancellation);
        async Task<string?> HashNamedAsync(string? name) =>
            name is null ? null : await HashAsync(BlobLayout.Raw(project, name), cancellation);
        string? test = await HashNamedAsync(settings.Split.TestFile);
        string? guard = await HashNamedAsync(settings.Promotion.Guard);
        List<string> corrected = [];
        foreach (string file in await projects.CorrectedAsync(project, source, cancellation))
        {
            corrected.Add(await HashAsync(BlobLayout.Raw(project, file), cancellation));
        }

        var content = new RunContent(
            raw,
            test,
            feedbackBatch,
            corrected,
            await projects.WithdrawnAsync(project, cancellation)
        )
        {
            Guard = guard,
        };
        return (
            new PipelineInput(Create(project, content, settings), project, source, feedbackBatch, trigger),
            settings
        );
    }

    /// <summary>The id of a run.</summary>
    /// <param name="project">The project.</param>
    /// <param name="content">What goes in.</param>
    /// <param name="settings">The settings, as project.yaml has them: defaults are left out of the hash.</param>
    public static string Create(string project, RunContent content, ProjectSettings settings)
    {
        ArgumentNullException.ThrowIfNull(content);
        string contentHash = ContentHash.ShortOf([
            content.Source,
            content.TestFile ?? "",
            content.FeedbackBatch ?? "",
            .. content.Corrected,
            .. content.Withdrawn,
            .. content.Guard is { } guard ? (string[])[$"guard {guard}"] : [],
        ]);
        string settingsHash = ContentHash.ShortOf(SettingsIdentity.Write(settings));
        return $"{project}-{contentHash[..10]}-{settingsHash[..6]}";
    }

    private async Task<string> HashAsync(BlobAddress address, CancellationToken cancellation) =>
        await storage.Files.HashAsync(address, cancellation)
        ?? throw new DatasetException(DatasetFaultCode.UnreadableFile, $"'{address}' does not exist; drop it first.");
}

/// <summary>What goes into a run, for its id.</summary>
/// <param name="Source">SHA-256 of the raw file, as all hashes here in lower-case hexadecimal.</param>
/// <param name="TestFile">SHA-256 of the test set of its own; <c>null</c>: there is none.</param>
/// <param name="FeedbackBatch">Name of the blob of corrections, which has their hash in it; <c>null</c>: none.</param>
/// <param name="Corrected">SHA-256 of each file of corrected rows.</param>
/// <param name="Withdrawn">Ids of rows that were withdrawn.</param>
public sealed record RunContent(
    string Source,
    string? TestFile,
    string? FeedbackBatch,
    IReadOnlyList<string> Corrected,
    IReadOnlyList<string> Withdrawn
)
{
    /// <summary>SHA-256 of the guard set; <c>null</c>: there is none.</summary>
    public string? Guard { get; init; }
}
