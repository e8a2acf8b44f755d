using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Functions.Datasets;
using Pipeline.Functions.Http;

namespace Pipeline.Functions.Runs;

/// <summary>
/// <c>POST /api/projects/{project}/runs</c> with <c>{"source": NAME}</c>: starts a run of a raw blob.
/// </summary>
public sealed class PostRun(RunStarter starter)
{
    [Function(nameof(PostRun))]
    public async Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "post", Route = "projects/{project}/runs")] HttpRequest request,
        string project,
        [DurableClient] DurableTaskClient client,
        CancellationToken cancellation
    )
    {
        if (!BlobLayout.IsProjectName(project))
        {
            return HttpResults.NoProject(project);
        }

        (SourceRequest? body, string? fault) = await RequestBody.JsonAsync<SourceRequest>(request, cancellation);
        if (string.IsNullOrWhiteSpace(body?.Source))
        {
            return HttpResults.BadRequest(fault ?? "Give 'source', the name of a blob in raw/{project}/.");
        }

        try
        {
            (string runId, bool started) = await starter.StartAsync(
                client,
                project,
                body.Source,
                RunTrigger.Http,
                cancellation
            );
            return started
                ? TypedResults.Accepted($"/api/runs/{runId}", new { runId, started })
                : TypedResults.Ok(
                    new
                    {
                        runId,
                        started,
                        message = "The same bytes and settings have been run before: none started.",
                    }
                );
        }
        catch (DatasetException refused)
        {
            return HttpResults.BadRequest(refused.Message);
        }
    }
}
