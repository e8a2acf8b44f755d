using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Pipeline.Contracts;
using Pipeline.Functions.Projects;
using Pipeline.Storage;

namespace Pipeline.Functions.Notices;

/// <summary>
/// Tells those whom project.yaml names that a run has ended. Who has been told is kept, so that a further try goes to
/// the others alone; who could not be told stands in the run's row.
/// </summary>
public sealed class NotifyEnd(
    PipelineStorage storage,
    ProjectReader projects,
    NoticeSender sender,
    IConfiguration configuration,
    ILogger<NotifyEnd> logger
)
{
    public const string Name = nameof(NotifyEnd);

    /// <summary>Setting: where people open the app, such as <c>https://NAME.azurewebsites.net</c>, for links.</summary>
    public const string Address = "PIPELINE_URL";

    /// <exception cref="NoticeFailedException">Somebody could not be told, and a further try may help.</exception>
    [Function(Name)]
    public async Task Run([ActivityTrigger] EndedRun ended, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(ended);
        if (await storage.Runs.GetAsync(ended.RunId, cancellation) is not { } run || run.State == RunState.Cancelled)
        {
            return;
        }

        var input = new PipelineInput(run.RunId, run.Project, run.Source, run.FeedbackBatch, run.Trigger);
        NoticeSettings settings = (await projects.SettingsAsync(input, cancellation)).Notify;
        if (settings.IsEmpty)
        {
            return;
        }

        RunNotice notice = RunNotice.From(run, configuration[Address]);
        BlobAddress place = BlobLayout.Notices(run.RunId);
        SentNotices sent =
            await storage.Files.ReadJsonAsync<SentNotices>(place, cancellation) is { } before
            && before.Ended == run.UpdatedAt
                ? before
                : new SentNotices(run.UpdatedAt, []);
        (string To, string? Fault, bool MayPass)[] tried = await Task.WhenAll(
            Targets(settings, notice, cancellation)
                .Where(t => !sent.To.Contains(t.To))
                .Select(t => TryAsync(t.To, t.Send, cancellation))
        );
        sent = sent with { To = [.. sent.To, .. tried.Where(t => t.Fault is null).Select(t => t.To)] };
        await storage.Files.WriteJsonAsync(place, sent, cancellation);
        List<string> faults = [];
        foreach ((string to, string? fault, _) in tried.Where(t => t.Fault is not null))
        {
            Log.NoticeNotSent(logger, run.RunId, to, fault!);
            faults.Add($"{to} could not be told: {fault}");
        }

        string? words = faults.Count == 0 ? null : string.Join("; ", faults);
        await storage.Runs.UpdateAsync(run.RunId, r => r with { Notice = words }, cancellation);
        if (tried.Any(t => t.Fault is not null && t.MayPass))
        {
            throw new NoticeFailedException(words!);
        }
    }

    /// <summary>Everybody who is to be told; an address is named without what may be a secret in it.</summary>
    private IEnumerable<(string To, Func<Task> Send)> Targets(
        NoticeSettings settings,
        RunNotice notice,
        CancellationToken cancellation
    )
    {
        foreach (WebhookSettings webhook in settings.Webhooks)
        {
            string hash = ContentHash.ShortOf(webhook.Url);
            string id = $"{notice.Data.RunId}-{ContentHash.ShortOf($"{notice.Timestamp:O}", webhook.Url)}";
            yield return (
                $"webhook {new Uri(webhook.Url).Authority} ({hash[..6]})",
                () => sender.CallAsync(webhook, notice, id, cancellation)
            );
        }

        foreach (string address in settings.Mail)
        {
            yield return ($"mail {address}", () => sender.WriteMailAsync(address, notice, cancellation));
        }
    }

    private static async Task<(string To, string? Fault, bool MayPass)> TryAsync(
        string to,
        Func<Task> send,
        CancellationToken cancellation
    )
    {
        try
        {
            await send();
            return (to, null, false);
        }
        catch (NoticeRefusedException fault)
        {
            return (to, fault.Message, false);
        }
        catch (Exception fault) when (!cancellation.IsCancellationRequested)
        {
            return (to, fault.Message, true);
        }
    }
}

/// <summary>A run that has ended.</summary>
public sealed record EndedRun(string RunId);

/// <summary>Who has been told of a run's end.</summary>
/// <param name="Ended">Of which: a run may be resumed and end again.</param>
/// <param name="To">Who.</param>
internal sealed record SentNotices(DateTimeOffset Ended, IReadOnlyList<string> To);

/// <summary>Somebody could not be told; a further try may help.</summary>
public sealed class NoticeFailedException(string message) : Exception(message);
