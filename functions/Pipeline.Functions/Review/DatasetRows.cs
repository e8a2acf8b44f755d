using Microsoft.Extensions.Caching.Memory;
using Pipeline.Contracts;
using Pipeline.Datasets.Exports;
using Pipeline.Functions.Projects;
using Pipeline.Registry.Feedback;
using Pipeline.Registry.Review;
using Pipeline.Storage;

namespace Pipeline.Functions.Review;

/// <summary>
/// The rows of a dataset that a person could decide on, and those with labels. A dataset does not change: it is read
/// once and kept in memory for a while.
/// </summary>
public sealed class DatasetRows(PipelineStorage storage, ProjectReader projects) : IDisposable
{
    private const int MaxCandidates = 200_000;
    private const int MaxLabelled = 5_000;

    /// <summary>Of all candidates of a dataset together, and of all datasets in memory.</summary>
    private const long MaxCharacters = 64L << 20;
    private const long MaxCharactersInMemory = 128L << 20;
    private static readonly TimeSpan Kept = TimeSpan.FromMinutes(30);
    private readonly MemoryCache _datasets = new(new MemoryCacheOptions { SizeLimit = MaxCharactersInMemory });

    /// <summary>The rows of a project's newest dataset, without those that were withdrawn since it was made.</summary>
    public async Task<ReviewRows> ReadNewestAsync(string project, CancellationToken cancellation)
    {
        string? newest = (await storage.Runs.ListAsync(project, cancellation))
            .Where(r => r.DatasetId is not null)
            .MaxBy(r => r.CreatedAt)
            ?.DatasetId;
        ReviewRows rows = await ReadAsync(newest, cancellation);
        HashSet<string> withdrawn = [.. await projects.WithdrawnAsync(project, cancellation)];
        return withdrawn.Count == 0
            ? rows
            : rows with
            {
                Candidates = [.. rows.Candidates.Where(c => !withdrawn.Contains(c.RowId))],
            };
    }

    /// <summary>The rows of a dataset; of no dataset there are none.</summary>
    private async Task<ReviewRows> ReadAsync(string? datasetId, CancellationToken cancellation)
    {
        if (datasetId is null)
        {
            return ReviewRows.None;
        }

        if (_datasets.TryGetValue(datasetId, out ReviewRows? known))
        {
            return known!;
        }

        DatasetManifest? manifest = await storage.Files.ReadJsonAsync<DatasetManifest>(
            BlobLayout.Dataset(datasetId, BlobLayout.ManifestFile),
            cancellation
        );
        if (manifest is null)
        {
            return ReviewRows.None; // not whole yet
        }

        ReviewRows read = await ReadAsync(manifest, cancellation);
        using ICacheEntry entry = _datasets.CreateEntry(datasetId);
        (entry.Value, entry.Size, entry.SlidingExpiration) = (
            read,
            read.Candidates.Sum(c => (long)c.Text.Length) + read.Labelled.Sum(l => (long)l.Text.Length) + 1,
            Kept
        );
        return read;
    }

    /// <inheritdoc/>
    public void Dispose() => _datasets.Dispose();

    private async Task<ReviewRows> ReadAsync(DatasetManifest manifest, CancellationToken cancellation)
    {
        string datasetId = manifest.DatasetId;
        List<ReviewCandidate> candidates = [];
        List<(string, string)> labelled = [];
        long characters = 0;
        void Add(ReviewCandidate? candidate)
        {
            if (
                candidate is not null
                && candidate.Text.Length <= FeedbackVerdict.LongestText // else nobody could answer it
                && candidates.Count < MaxCandidates
                && characters + candidate.Text.Length <= MaxCharacters
            )
            {
                candidates.Add(candidate);
                characters += candidate.Text.Length;
            }
        }

        await foreach (RejectedRow row in LinesAsync<RejectedRow>(datasetId, BlobLayout.RejectedFile, cancellation))
        {
            Add(Candidate(row, manifest));
        }

        await foreach (Example row in LinesAsync<Example>(datasetId, BlobLayout.TrainFile, cancellation))
        {
            ChatMessage[] questions = [.. row.Messages.Where(m => m.Role == MessageRole.User)];
            if (questions.Length != 1)
            {
                continue; // a conversation is not decided on by its last answer
            }

            if (row.Synthetic is { } origin)
            {
                Add(
                    new ReviewCandidate(
                        ReviewKind.Synthetic,
                        questions[0].Content,
                        row.Messages[^1].Content,
                        row.Id,
                        $"made by {origin.Generator}, and learned from"
                    )
                );
            }
            else if (row.Label is { } label && labelled.Count < MaxLabelled)
            {
                labelled.Add((questions[0].Content, label));
            }
        }

        return new ReviewRows(datasetId, candidates, labelled, manifest.Task);
    }

    /// <summary>A rejected row as a candidate; <c>null</c>: there is nothing to decide, or its text is not one
    /// column.</summary>
    private static ReviewCandidate? Candidate(RejectedRow row, DatasetManifest manifest)
    {
        if (
            row.Reason
                is not (
                    RejectionReason.MissingLabel
                    or RejectionReason.UnknownLabel
                    or RejectionReason.SeveralLabels
                    or RejectionReason.InvalidAnswer
                    or RejectionReason.ConflictingLabel
                    or RejectionReason.LabelDisputed
                    or RejectionReason.TooLong
                )
            || !RejectedTable.CanBeCorrected(row)
            || RejectedText.Read(row, manifest) is not { } text
        )
        {
            return null;
        }

        ReviewKind kind = row.Reason switch
        {
            RejectionReason.LabelDisputed => ReviewKind.Synthetic,
            RejectionReason.MissingLabel => ReviewKind.Unlabelled,
            _ => ReviewKind.Rejected,
        };
        return new ReviewCandidate(
            kind,
            text,
            RejectedText.AnswerOf(row),
            row.Id,
            kind == ReviewKind.Unlabelled ? "it has no answer" : $"rejected: {row.Detail}"
        );
    }

    private async IAsyncEnumerable<T> LinesAsync<T>(
        string datasetId,
        string file,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation
    )
    {
        if (await storage.Files.OpenAsync(BlobLayout.Dataset(datasetId, file), null, cancellation) is not { } blob)
        {
            yield break;
        }

        using var reader = new StreamReader(blob.Stream);
        while (await reader.ReadLineAsync(cancellation) is { } line)
        {
            yield return ContractJson.Read<T>(line);
        }
    }
}

/// <summary>What of a dataset is of interest to the review queue.</summary>
/// <param name="DatasetId">The dataset; <c>null</c>: there is none.</param>
/// <param name="Candidates">Rows that a person could decide on.</param>
/// <param name="Labelled">Training rows with their labels, the first 5,000.</param>
/// <param name="Task">What is learned.</param>
public sealed record ReviewRows(
    string? DatasetId,
    IReadOnlyList<ReviewCandidate> Candidates,
    IReadOnlyList<(string Text, string Label)> Labelled,
    TaskKind Task
)
{
    /// <summary>Of no dataset.</summary>
    public static ReviewRows None { get; } = new(null, [], [], TaskKind.Classification);
}
