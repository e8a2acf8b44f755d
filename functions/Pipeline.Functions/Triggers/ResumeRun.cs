using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Storage;

namespace Pipeline.Functions.Triggers;

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
            return HttpAnswer.NotFound($"There is no run '{id}'.");
        }

        run = await interrupted.CheckAsync(client, run, cancellation);
        if (!run.HasStopped)
        {
            return HttpAnswer.Conflict(
                $"Run '{id}' is {run.State}; only one that failed, was cancelled or interrupted can be resumed."
            );
        }

        try
        {
            return await starter.ResumeAsync(client, run, cancellation) is { } refused
                ? HttpAnswer.Conflict(refused)
                : HttpAnswer.Accepted($"/api/runs/{id}", new { runId = id, started = true });
        }
        catch (DatasetException fault)
        {
            return HttpAnswer.BadRequest(fault.Message);
        }
    }
}
