using System.Collections.Concurrent;
using Pipeline.Contracts;
using Pipeline.Registry.Review;
using Pipeline.Storage;

namespace Pipeline.Functions.Projects;

/// <summary>The versions of projects' code books, noted when a project is put and when a verdict names a
/// rule.</summary>
public sealed class CodeBooks(PipelineStorage storage, TimeProvider time)
{
    private readonly ConcurrentDictionary<string, string> _noted = new(StringComparer.Ordinal);

    /// <summary>Notes the rules as they are now, unless this process has noted them last.</summary>
    public async Task NoteIfNewAsync(string project, IReadOnlyList<CodeBookRule> rules, CancellationToken cancellation)
    {
        if (_noted.GetValueOrDefault(project) != HashOf(rules))
        {
            await NoteAsync(project, rules, cancellation);
        }
    }

    /// <summary>Notes the rules as they are now; nothing, where they are those of before.</summary>
    public async Task NoteAsync(string project, IReadOnlyList<CodeBookRule> rules, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(rules);

        CodeBookHistory known = await ReadAsync(project, cancellation);
        if (known.With(rules, time.GetUtcNow()) != known)
        {
            await storage.Files.UpdateJsonAsync(
                BlobLayout.CodeBook(project),
                new CodeBookHistory([]),
                history => history.With(rules, time.GetUtcNow()),
                cancellation
            );
        }

        _noted[project] = HashOf(rules);
    }

    private static string HashOf(IReadOnlyList<CodeBookRule> rules) =>
        ContentHash.ShortOf([.. rules.Select(r => r.Hash())]);

    /// <summary>All versions of a project's code book.</summary>
    public async Task<CodeBookHistory> ReadAsync(string project, CancellationToken cancellation) =>
        await storage.Files.ReadJsonAsync<CodeBookHistory>(BlobLayout.CodeBook(project), cancellation)
        ?? new CodeBookHistory([]);

    /// <summary>Forgets what this process has noted of a project, which was deleted.</summary>
    public void Forget(string project) => _noted.TryRemove(project, out _);
}
