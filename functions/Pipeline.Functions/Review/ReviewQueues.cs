using Microsoft.Extensions.Caching.Memory;
using Pipeline.Contracts;
using Pipeline.Functions.Verdicts;
using Pipeline.Registry.Agreement;
using Pipeline.Registry.Feedback;
using Pipeline.Registry.Review;
using Pipeline.Storage;

namespace Pipeline.Functions.Review;

/// <summary>The review queue of a project, and the leases of its items.</summary>
public sealed class ReviewQueues(
    PipelineStorage storage,
    VerdictContexts contexts,
    VerdictLog log,
    KnownAnswers answers,
    DatasetRows datasets,
    TimeProvider time
) : IDisposable
{
    /// <summary>Answers after which the rows are ordered anew, by a new linear model.</summary>
    private const int AnswersPerOrder = 10;
    private const int OrdersInMemory = 32;
    private static readonly TimeSpan Kept = TimeSpan.FromMinutes(30);
    private readonly MemoryCache _orders = new(new MemoryCacheOptions { SizeLimit = OrdersInMemory });

    /// <summary>The queue as it is now.</summary>
    /// <exception cref="Pipeline.Datasets.DatasetException">The registered project.yaml cannot be read.</exception>
    public async Task<ProjectReview> GetAsync(string project, CancellationToken cancellation)
    {
        VerdictContext context = await contexts.GetAsync(project, cancellation);
        ReviewVerdicts verdicts = await log.ReadAsync(
            project,
            ledger => new ReviewVerdicts(
                ledger.Items(context.Settings.Feedback),
                ledger.ThumbsDown(context.Settings.Feedback)
            ),
            cancellation
        );
        ReviewRows rows = await datasets.ReadNewestAsync(project, cancellation);
        IReadOnlyList<AnswerRecord> known = context.Registry.Champion is { } champion
            ? await answers.ListAsync(context.Registry, champion, cancellation)
            : [];
        IReadOnlyList<ReviewItem> items = ReviewItems.From(
            Ordered(rows, verdicts),
            known,
            verdicts with
            {
                ThumbsDown = await SingleAsync(context.Registry, verdicts.ThumbsDown, cancellation),
            },
            context.Settings
        );
        return new ProjectReview(items, verdicts.Items, context.Settings, rows.Candidates.Count);
    }

    /// <summary>The leases of a project.</summary>
    public async Task<ReviewLeases> LeasesAsync(string project, CancellationToken cancellation) =>
        await storage.Files.ReadJsonAsync<ReviewLeases>(BlobLayout.ReviewLeases(project), cancellation)
        ?? new ReviewLeases([]);

    /// <summary>Gives a reviewer the next items of the queue.</summary>
    /// <param name="project">The project.</param>
    /// <param name="reviewer">Whom a key names.</param>
    /// <param name="kinds">Which kinds; empty: all.</param>
    /// <param name="count">How many.</param>
    /// <param name="cancellation">Ends the call.</param>
    public async Task<IReadOnlyList<ReviewItem>> TakeAsync(
        string project,
        string reviewer,
        IReadOnlyList<ReviewKind> kinds,
        int count,
        CancellationToken cancellation
    )
    {
        ProjectReview queue = await GetAsync(project, cancellation);
        // Nobody answers a text twice, but under a rule that reads otherwise now.
        Dictionary<string, string> rules = CodeBookRule.Hashes(queue.Settings.Rules);
        HashSet<string> own =
        [
            .. queue
                .Verdicts.Where(v =>
                    v.Votes.Any(o =>
                        o.Reviewer == reviewer && (o.Rule is null || ReviewerAgreement.IsCurrent(o, rules))
                    )
                )
                .Select(v => ReviewItems.IdOf(v.Text)),
        ];
        ReviewItem[] offered =
        [
            .. queue.Items.Where(i => kinds.Count == 0 || kinds.Contains(i.Kind)).Where(i => !own.Contains(i.Id)),
        ];
        DateTimeOffset now = time.GetUtcNow();
        IReadOnlyList<string> taken = [];
        ReviewLeases leases = await UpdateAsync(
            project,
            known =>
            {
                (ReviewLeases kept, taken) = LeaseTable.Take(
                    known,
                    [.. offered.Select(i => i.Id)],
                    reviewer,
                    count,
                    now,
                    TimeSpan.FromMinutes(queue.Settings.Review.LeaseMinutes)
                );
                return kept;
            },
            cancellation
        );
        return WithLeases([.. offered.Where(i => taken.Contains(i.Id))], leases, now);
    }

    /// <summary>Gives an item back that was decided or skipped.</summary>
    public Task ReturnAsync(
        string project,
        string item,
        string reviewer,
        bool isSkipped,
        CancellationToken cancellation
    ) =>
        UpdateAsync(
            project,
            known => LeaseTable.Return(known, item, reviewer, isSkipped, time.GetUtcNow()),
            cancellation
        );

    /// <summary>Items with whose they are.</summary>
    public static IReadOnlyList<ReviewItem> WithLeases(
        IReadOnlyList<ReviewItem> items,
        ReviewLeases leases,
        DateTimeOffset now
    )
    {
        ArgumentNullException.ThrowIfNull(leases);
        Dictionary<string, ReviewLease> held = leases
            .Leases.Where(l => !l.IsSkipped && l.Until > now)
            .DistinctBy(l => l.Item, StringComparer.Ordinal)
            .ToDictionary(l => l.Item, StringComparer.Ordinal);
        return
        [
            .. items.Select(i =>
                held.TryGetValue(i.Id, out ReviewLease? lease)
                    ? i with
                    {
                        LeasedTo = lease.Reviewer,
                        LeasedUntil = lease.Until,
                    }
                    : i
            ),
        ];
    }

    /// <inheritdoc/>
    public void Dispose() => _orders.Dispose();

    private Task<ReviewLeases> UpdateAsync(
        string project,
        Func<ReviewLeases, ReviewLeases> change,
        CancellationToken cancellation
    ) => storage.Files.UpdateJsonAsync(BlobLayout.ReviewLeases(project), new ReviewLeases([]), change, cancellation);

    /// <summary>Thumbs on answers to a single question: the last one of a conversation says nothing by
    /// itself.</summary>
    private async Task<IReadOnlyList<ThumbedText>> SingleAsync(
        RegistryPointer registry,
        IReadOnlyList<ThumbedText> thumbs,
        CancellationToken cancellation
    )
    {
        List<ThumbedText> single = [];
        foreach (ThumbedText thumb in thumbs)
        {
            AnswerRecord? answer = thumb.AnswerId is { } id
                ? await answers.FindAsync(registry, id, cancellation)
                : null;
            if (answer is null or { Turns: 1 })
            {
                single.Add(thumb);
            }
        }

        return single;
    }

    /// <summary>The rows in their order, which is made anew after some answers.</summary>
    private IReadOnlyList<ReviewItem> Ordered(ReviewRows rows, ReviewVerdicts verdicts)
    {
        VerdictItem[] decided = [.. verdicts.Items.Where(i => i.IsNamed && !i.IsExcluded)];
        (string?, int, int) key = (rows.DatasetId, rows.Candidates.Count, verdicts.Items.Count / AnswersPerOrder);
        if (_orders.TryGetValue(key, out IReadOnlyList<ReviewItem>? known))
        {
            return known!;
        }

        HashSet<string> seen = [.. verdicts.Items.Where(ReviewItems.IsAnswered).Select(i => ReviewItems.IdOf(i.Text))];
        IReadOnlyList<ReviewItem> order = RowOrder.From(
            [.. rows.Candidates.Where(c => !seen.Contains(c.Id))],
            [.. rows.Labelled, .. decided.Select(d => (d.Text, d.Answer!))],
            rows.Task == TaskKind.Classification
        );
        using ICacheEntry entry = _orders.CreateEntry(key);
        (entry.Value, entry.Size, entry.SlidingExpiration) = (order, 1, Kept);
        return order;
    }
}

/// <summary>A project's queue.</summary>
/// <param name="Items">In the order in which they are offered.</param>
/// <param name="Verdicts">Texts that somebody has answered.</param>
/// <param name="Settings">The project's settings.</param>
/// <param name="Candidates">Rows of the newest dataset that a person could decide on; of each kind the first 500 are
/// listed.</param>
public sealed record ProjectReview(
    IReadOnlyList<ReviewItem> Items,
    IReadOnlyList<VerdictItem> Verdicts,
    ProjectSettings Settings,
    int Candidates
);
