using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Functions.Http;
using Pipeline.Functions.Models;
using Pipeline.Functions.Runs;
using Pipeline.Functions.Verdicts;
using Pipeline.Storage;

namespace Pipeline.Functions.Withdrawals;

/// <summary>
/// <c>POST /api/projects/{project}/withdrawals</c> with <c>{"source": NAME, "rows": [N, …]}</c>: no dataset of the
/// project is made with these rows any more, what a language model wrote after them is removed, and a run without them
/// starts; where no dataset has learned from them, none does.
/// </summary>
public sealed class PostWithdrawal(
    PipelineStorage storage,
    RunStarter starter,
    AffectedRows affected,
    CorrectionBatches corrections
)
{
    [Function(nameof(PostWithdrawal))]
    public async Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "post", Route = "projects/{project}/withdrawals")]
            HttpRequest request,
        string project,
        [DurableClient] DurableTaskClient client,
        CancellationToken cancellation
    )
    {
        if (!BlobLayout.IsProjectName(project))
        {
            return HttpResults.NoProject(project);
        }

        (WithdrawalRequest? body, string? fault) = await RequestBody.JsonAsync<WithdrawalRequest>(
            request,
            cancellation
        );
        if (string.IsNullOrWhiteSpace(body?.Source) || body.Rows is not { Count: > 0 } || body.Rows.Any(r => r < 1))
        {
            return HttpResults.BadRequest(
                fault
                    ?? "Give 'source', the name of a blob in raw/{project}/, and 'rows', their numbers from 1; 'file' too, where the rows lie in a file of an archive."
            );
        }

        string[] ids = [.. body.Rows.Select(r => $"{body.File ?? body.Source}#{r}")];
        IReadOnlyList<AffectedDataset> datasets = await affected.FindAsync(project, ids, cancellation);
        if (await HasDatasetAsync(project, body.Source, cancellation) && datasets.Count == 0)
        {
            return NotStarted($"{Rows(ids)} in no dataset of '{project}': nothing was withdrawn or trained.");
        }

        await AddAsync(project, ids, cancellation);
        await BlobResponseCache.ForgetAsync(storage, project, ids, cancellation);
        IEnumerable<string> kept = datasets.SelectMany(d => d.Fates).Select(f => f.Kept).OfType<string>();
        RowFate[] own = [.. datasets.SelectMany(d => d.Fates).Where(f => ids.Contains(f.Id))];
        int taken = await corrections.TakeBackAsync(project, kept, own, cancellation);
        if (await WaitingAsync(project, body.Source, cancellation) is { } waiting)
        {
            return NotStarted(
                $"{Rows(ids)} withdrawn. Run {waiting}, which waits for people, goes on without "
                    + $"{(ids.Length == 1 ? "it" : "them")}."
            );
        }

        if (
            taken == 0
            && datasets.Count > 0
            && datasets.SelectMany(d => d.Fates).All(f => f.File == BlobLayout.RejectedFile)
        )
        {
            return NotStarted(
                $"{Rows(ids)} withdrawn. Nothing was learned from them (they were left out), so nothing was trained."
            );
        }

        return await StartAsync(client, project, body.Source, cancellation);
    }

    private async Task<IResult> StartAsync(
        DurableTaskClient client,
        string project,
        string source,
        CancellationToken cancellation
    )
    {
        try
        {
            (string runId, bool started) = await starter.StartAsync(
                client,
                project,
                source,
                RunTrigger.Http,
                cancellation
            );
            return TypedResults.Accepted($"/api/runs/{runId}", new { runId, started });
        }
        catch (DatasetException refused)
        {
            return HttpResults.BadRequest(refused.Message);
        }
    }

    private static Ok<NoRun> NotStarted(string message) => TypedResults.Ok(new NoRun(message));

    private static string Rows(string[] ids) =>
        ids.Length == 1
            ? $"Row {ids[0]} is"
            : $"Rows {string.Join(", ", ids.Take(10))}{(ids.Length > 10 ? ", …" : "")} are";

    /// <summary>Whether a dataset was made of a raw blob: before, its rows cannot be known.</summary>
    private async Task<bool> HasDatasetAsync(string project, string source, CancellationToken cancellation) =>
        (await storage.Runs.ListAsync(project, cancellation)).Any(r => r.Source == source && r.DatasetId is not null)
        || (await storage.Registry.GetAsync(project, cancellation)).Versions.Values.Any(v => v.Source == source);

    /// <summary>A run of a raw blob that waits for people; <c>null</c>: none does.</summary>
    private async Task<string?> WaitingAsync(string project, string source, CancellationToken cancellation) =>
        (await storage.Runs.ListAsync(project, cancellation))
            .FirstOrDefault(r => r.Source == source && r.State == RunState.NeedsLabels)
            ?.RunId;

    private Task<WithdrawnRows> AddAsync(string project, IEnumerable<string> ids, CancellationToken cancellation) =>
        storage.Files.UpdateJsonAsync(
            BlobLayout.Withdrawn(project),
            new WithdrawnRows([]),
            known => new WithdrawnRows([
                .. known.Rows.Union(ids, StringComparer.Ordinal).Order(StringComparer.Ordinal),
            ]),
            cancellation
        );
}

/// <summary>Rows to withdraw.</summary>
/// <param name="Source">The raw blob.</param>
/// <param name="Rows">Numbers, from 1.</param>
/// <param name="File">The file's name as rows have it, where it lies in an archive; <c>null</c>: the blob's.</param>
public sealed record WithdrawalRequest(string Source, IReadOnlyList<int> Rows, string? File);

/// <summary>No run was started.</summary>
/// <param name="Message">Why.</param>
public sealed record NoRun(string Message)
{
    /// <summary>As the answer of a run that was started has it.</summary>
    public bool Started { get; }
}
