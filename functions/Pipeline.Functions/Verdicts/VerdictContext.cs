using Microsoft.Extensions.Caching.Memory;
using Pipeline.Contracts;
using Pipeline.Functions.Projects;
using Pipeline.Storage;

namespace Pipeline.Functions.Verdicts;

/// <summary>What a verdict is checked against.</summary>
/// <param name="Settings">The project's.</param>
/// <param name="Registry">Its versions.</param>
/// <param name="Keys">Its reviewers.</param>
/// <param name="Labels">Spellings of its labels, whatever their case, and what they mean; empty: any answer will
/// do.</param>
public sealed record VerdictContext(
    ProjectSettings Settings,
    RegistryPointer Registry,
    ReviewerKeys Keys,
    IReadOnlyDictionary<string, string> Labels
);

/// <summary>Reads it, at most once in two seconds a project: so long a change may take to be seen.</summary>
public sealed class VerdictContexts(
    PipelineStorage storage,
    ProjectReader projects,
    KnownAnswers answers,
    CodeBooks codeBooks
) : IDisposable
{
    private static readonly TimeSpan Kept = TimeSpan.FromSeconds(2);
    private readonly MemoryCache _contexts = new(new MemoryCacheOptions());

    /// <summary>What the verdicts of a project are checked against.</summary>
    /// <exception cref="Pipeline.Datasets.DatasetException">The registered project.yaml cannot be read.</exception>
    public async Task<VerdictContext> GetAsync(string project, CancellationToken cancellation)
    {
        if (_contexts.TryGetValue(project, out VerdictContext? known))
        {
            return known!;
        }

        ProjectSettings settings = await projects.SettingsAsync(project, cancellation);
        await codeBooks.NoteIfNewAsync(project, settings.Rules, cancellation);
        RegistryPointer registry = await storage.Registry.GetAsync(project, cancellation);
        ReviewerKeys keys =
            await storage.Files.ReadJsonAsync<ReviewerKeys>(BlobLayout.Reviewers(project), cancellation)
            ?? new ReviewerKeys([]);
        IEnumerable<(string Spelling, string Label)> labels =
            settings.Labels.Count > 0
                ? settings.Labels.SelectMany(l => l.Aliases.Prepend(l.Name).Select(s => (s, l.Name)))
            : registry.Published.Count > 0
                ? (await answers.LabelsAsync(registry, registry.Published.Max(), cancellation)).Select(l => (l, l))
            : [];
        Dictionary<string, string> spellings = labels
            .DistinctBy(l => l.Spelling, StringComparer.OrdinalIgnoreCase)
            .ToDictionary(l => l.Spelling, l => l.Label, StringComparer.OrdinalIgnoreCase);
        return _contexts.Set(project, new VerdictContext(settings, registry, keys, spellings), Kept);
    }

    /// <inheritdoc/>
    public void Dispose() => _contexts.Dispose();
}
