using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;
using Microsoft.DurableTask.Client;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Functions.Http;
using Pipeline.Functions.Verdicts;
using Pipeline.Registry.Feedback;
using Pipeline.Storage;

namespace Pipeline.Functions.Retraining;

/// <summary>Checks a verdict, adds it to the log, and starts a retraining where that makes one due.</summary>
public sealed class VerdictIntake(
    PipelineStorage storage,
    VerdictContexts contexts,
    KnownAnswers answers,
    VerdictLog log,
    RetrainingStarter retraining,
    TimeProvider time
)
{
    private readonly ConcurrentDictionary<string, DueCheck> _checks = new(StringComparer.Ordinal);

    /// <summary>Takes a verdict.</summary>
    /// <param name="client">Of the durable backend.</param>
    /// <param name="project">The project, a name that can be one.</param>
    /// <param name="body">What was sent.</param>
    /// <param name="reviewer">Who sent it.</param>
    /// <param name="cancellation">Ends the call.</param>
    public async Task<VerdictOutcome> TakeAsync(
        DurableTaskClient client,
        string project,
        FeedbackBody body,
        ReviewerClaim reviewer,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(body);
        ArgumentNullException.ThrowIfNull(reviewer);
        try
        {
            VerdictContext context = await contexts.GetAsync(project, cancellation);
            (FeedbackRecord? verdict, string? fault) = await CheckAsync(context, body, reviewer, cancellation);
            if (verdict is null)
            {
                return new VerdictOutcome(null, fault, null, null);
            }

            VerdictReceipt receipt = await log.AddAsync(verdict, context.Settings.Feedback, cancellation);
            if (receipt.Refusal is { } refusal)
            {
                return new VerdictOutcome(null, null, refusal, null);
            }

            string? started = FeedbackVerdict.Teaches(verdict)
                ? await CheckDueAsync(client, project, cancellation)
                : null;
            return new VerdictOutcome(verdict, null, null, started) { Today = receipt.Today };
        }
        catch (DatasetException unreadable)
        {
            return new VerdictOutcome(null, unreadable.Message, null, null);
        }
    }

    /// <summary>The header with a reviewer's key.</summary>
    public const string ReviewerKeyHeader = "X-Reviewer-Key";

    /// <summary>Whom the key of a call names.</summary>
    /// <returns>The reviewer, <c>null</c>: the call has no key; and why its key is of nobody.</returns>
    public async Task<(string? Name, string? Fault)> ReviewerAsync(
        HttpRequest request,
        string project,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.Headers[ReviewerKeyHeader].ToString() is not { Length: > 0 } key)
        {
            return (null, null);
        }

        try
        {
            string? name = (await contexts.GetAsync(project, cancellation)).Keys.Find(key);
            return (name, name is null ? $"The key in '{ReviewerKeyHeader}' names no reviewer of '{project}'." : null);
        }
        catch (DatasetException unreadable)
        {
            return (null, unreadable.Message);
        }
    }

    /// <summary>Takes a verdict back: it counts no more, and stays in the log.</summary>
    /// <returns>Whether there was one that counts, and why it cannot be taken back; <c>null</c>: it was.</returns>
    public async Task<(bool Found, string? Refusal)> WithdrawAsync(
        string project,
        string id,
        CancellationToken cancellation
    ) =>
        await log.ReadAsync(project, ledger => ledger.Find(id), cancellation) is null
            ? (false, null)
            : (true, await log.WithdrawAsync(project, id, cancellation));

    private async Task<(FeedbackRecord? Verdict, string? Fault)> CheckAsync(
        VerdictContext context,
        FeedbackBody body,
        ReviewerClaim reviewer,
        CancellationToken cancellation
    )
    {
        string project = context.Registry.Project;
        (AnswerRecord? answer, string? noAnswer) = await AnswerAsync(context, body, cancellation);
        if (noAnswer is not null)
        {
            return (null, noAnswer);
        }

        string? text = answer?.Text ?? body.Text;
        if (await RankingFaultAsync(context, body.Ranking ?? [], text, cancellation) is { } wrong)
        {
            return (null, wrong);
        }

        (CodeBookRule? rule, string? noRule) = RuleOf(context, body.Rule, reviewer);
        (string? version, string? unknown) = await SourceAsync(context, answer, body, cancellation);
        return (noRule ?? unknown) is { } notKnown
            ? (null, notKnown)
            : FeedbackVerdict.Check(
                new FeedbackRecord
                {
                    Id = "",
                    Project = project,
                    At = time.GetUtcNow(),
                    AnswerId = answer?.Id,
                    Text = text,
                    Answer = answer?.Answer ?? body.Answer,
                    RunId = body.RunId,
                    AdapterVersion = version,
                    Score = body.Score,
                    Correction = body.Correction,
                    Rule = rule?.Id,
                    RuleHash = rule?.Hash(),
                    Excludes = body.Exclude,
                    RowId = body.RowId,
                    Ranking = body.Ranking,
                    Comment = string.IsNullOrWhiteSpace(body.Comment) ? null : body.Comment.Trim(),
                    Reviewer = reviewer.Name,
                    HasKey = reviewer.HasKey,
                },
                project,
                context.Labels
            );
    }

    /// <summary>The answer that a verdict names, or why it cannot be on it.</summary>
    private async Task<(AnswerRecord? Answer, string? Fault)> AnswerAsync(
        VerdictContext context,
        FeedbackBody body,
        CancellationToken cancellation
    )
    {
        if (body.AnswerId is not { } id)
        {
            return (null, null);
        }

        AnswerRecord? answer = await answers.FindAsync(context.Registry, id, cancellation);
        return (
            answer,
            answer is null ? $"'{context.Registry.Project}' has given no answer '{id}'"
            : body.Text is not null && body.Text.Trim() != answer.Text.Trim()
                ? $"answer '{id}' is to another text than 'text'; leave 'text' out"
            : answer.Turns > 1 && body.Correction is not null
                ? $"answer '{id}' ends a conversation of {answer.Turns} questions; only answers to a single "
                    + "question are corrected"
            : null
        );
    }

    /// <summary>The rule that a verdict names, as it reads now, or that there is none of this id.</summary>
    private static (CodeBookRule? Rule, string? Fault) RuleOf(
        VerdictContext context,
        string? id,
        ReviewerClaim reviewer
    )
    {
        if (id is not null && !reviewer.HasKey)
        {
            return (null, "'rule' needs a reviewer's key"); // agreement on rules decides what is learned
        }

        IReadOnlyList<CodeBookRule> rules = context.Settings.Rules;
        CodeBookRule? rule = rules.FirstOrDefault(r => r.Id == id);
        string known = rules.Count == 0 ? "it has none" : string.Join(", ", rules.Select(r => r.Id));
        return (
            rule,
            id is null || rule is not null ? null : $"'{context.Registry.Project}' has no rule '{id}': {known}"
        );
    }

    /// <summary>Which ranked answer is to another text; <c>null</c>: none.</summary>
    private async Task<string?> RankingFaultAsync(
        VerdictContext context,
        IReadOnlyList<string> ranking,
        string? text,
        CancellationToken cancellation
    )
    {
        foreach (string ranked in ranking)
        {
            AnswerRecord? known = await answers.FindAsync(context.Registry, ranked ?? "", cancellation);
            if (known is not null && known.Text.Trim() != text?.Trim())
            {
                return $"answer '{ranked}' of 'ranking' is to another text";
            }
        }

        return null;
    }

    /// <summary>The version that a verdict is on, or which version or run there is not.</summary>
    private async Task<(string? Version, string? Fault)> SourceAsync(
        VerdictContext context,
        AnswerRecord? answer,
        FeedbackBody body,
        CancellationToken cancellation
    )
    {
        RegistryPointer registry = context.Registry;
        string? given = body.AdapterVersion;
        int version = answer?.Version ?? 0;
        if (given is not null)
        {
            if (!VersionNumber.TryParse(given, out int named) || !registry.Published.Contains(named))
            {
                return (null, $"'{registry.Project}' has no version '{given}'");
            }

            if (answer is not null && named != version)
            {
                return (null, $"answer '{answer.Id}' is not of version '{given}'");
            }

            version = named;
        }

        if (
            body.RunId is { } run
            && !registry.Allotted.ContainsKey(run)
            && (await storage.Runs.GetAsync(run, cancellation))?.Project != registry.Project
        )
        {
            return (null, $"'{registry.Project}' has no run '{run}'");
        }

        return (version > 0 ? $"v{version}" : null, null);
    }

    /// <summary>
    /// Asks whether a retraining is due, of many verdicts at once: a check that began after this verdict was added has
    /// seen it.
    /// </summary>
    private async Task<string?> CheckDueAsync(DurableTaskClient client, string project, CancellationToken cancellation)
    {
        DueCheck check = _checks.GetOrAdd(project, _ => new DueCheck());
        long mine = Interlocked.Increment(ref check.Added);
        await check.Gate.WaitAsync(cancellation);
        try
        {
            if (check.Seen >= mine)
            {
                return null;
            }

            long seen = Interlocked.Read(ref check.Added);
            string? started = await retraining.StartIfDueAsync(client, project, RunTrigger.Feedback, cancellation);
            check.Seen = seen;
            return started;
        }
        finally
        {
            check.Gate.Release();
        }
    }

    private sealed class DueCheck
    {
        public long Added;
        public long Seen;
        public SemaphoreSlim Gate { get; } = new(1, 1);
    }
}

/// <summary>Who says something.</summary>
/// <param name="Name">Whom a key or a signed link names, else a name of the caller's choice; <c>null</c>: none.</param>
/// <param name="HasKey">Whether a key or link names the reviewer.</param>
public sealed record ReviewerClaim(string? Name, bool HasKey);

/// <summary>What became of a verdict.</summary>
/// <param name="Verdict">As it was added; <c>null</c>: it was not.</param>
/// <param name="Fault">What is wrong with it.</param>
/// <param name="Limit">The limit of today that it would exceed.</param>
/// <param name="Retraining">The retraining that it has started.</param>
public sealed record VerdictOutcome(FeedbackRecord? Verdict, string? Fault, string? Limit, string? Retraining)
{
    /// <summary>Verdicts of its reviewer today.</summary>
    public int Today { get; init; }
}
