using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Functions.Http;
using Pipeline.Storage;

namespace Pipeline.Functions.Runs;

/// <summary>
/// <c>POST /api/runs/{id}/resume</c>: starts a run again that failed, was cancelled or interrupted; training goes on
/// from its checkpoint.
/// </summary>
public sealed class ResumeRun(PipelineStorage storage, RunStarter starter, InterruptedRuns interrupted)
{
    [Function(nameof(ResumeRun))]
    public async Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "post", Route = "runs/{id}/resume")] HttpRequest request,
        string id,
        [DurableClient] DurableTaskClient client,
        CancellationToken cancellation
    )
    {
        RunRecord? run = await storage.Runs.GetAsync(id, cancellation);
        if (run is null)
        {
            return HttpResults.NotFound($"There is no run '{id}'.");
        }

        run = await interrupted.CheckAsync(client, run, cancellation);
        if (!run.HasStopped)
        {
            return HttpResults.Conflict($"Run '{id}' is {run.State.Name()}; only one that has stopped can be resumed.");
        }

        try
        {
            return await starter.ResumeAsync(client, run, cancellation) is { } refused
                ? HttpResults.Conflict(refused)
                : TypedResults.Accepted($"/api/runs/{id}", new { runId = id, started = true });
        }
        catch (DatasetException fault)
        {
            return HttpResults.BadRequest(fault.Message);
        }
    }
}
