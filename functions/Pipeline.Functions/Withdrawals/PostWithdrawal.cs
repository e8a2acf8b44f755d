using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Functions.Http;
using Pipeline.Functions.Models;
using Pipeline.Functions.Runs;
using Pipeline.Storage;

namespace Pipeline.Functions.Withdrawals;

/// <summary>
/// <c>POST /api/projects/{project}/withdrawals</c> with <c>{"source": NAME, "rows": [N, …]}</c>: no dataset of the
/// project is made with these rows any more, what a language model wrote after them is removed, and a run without them
/// starts.
/// </summary>
public sealed class PostWithdrawal(PipelineStorage storage, RunStarter starter)
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
        await AddAsync(project, ids, cancellation);
        await BlobResponseCache.ForgetAsync(storage, project, ids, cancellation);
        try
        {
            (string runId, bool started) = await starter.StartAsync(
                client,
                project,
                body.Source,
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
