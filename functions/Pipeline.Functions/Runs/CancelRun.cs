using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Pipeline.Contracts;
using Pipeline.Functions.Durable;
using Pipeline.Functions.Http;
using Pipeline.Functions.Training;
using Pipeline.Storage;

namespace Pipeline.Functions.Runs;

/// <summary>
/// <c>POST /api/runs/{id}/cancel</c>: stops a run; its worker stops at the next step and keeps a checkpoint.
/// </summary>
public sealed class CancelRun(PipelineStorage storage, JobStopper jobs, TimeProvider time)
{
    [Function(nameof(CancelRun))]
    public async Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "post", Route = "runs/{id}/cancel")] HttpRequest request,
        string id,
        [DurableClient] DurableTaskClient client,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(client);
        RunRecord? run = await storage.Runs.GetAsync(id, cancellation);
        if (run is null)
        {
            return HttpResults.NotFound($"There is no run '{id}'.");
        }

        if (!run.IsUnderWay)
        {
            return HttpResults.Conflict($"Run '{id}' is {run.State.Name()}; there is nothing to cancel.");
        }

        await jobs.StopAsync(id, cancellation);
        foreach (string instance in RunStarter.InstancesOf(id))
        {
            // the run before those that it waits for
            await client.TryTerminateAsync(instance, "cancelled", cancellation);
        }

        await storage.Runs.UpdateAsync(
            id,
            r => !r.IsUnderWay ? r : r with { State = RunState.Cancelled, UpdatedAt = time.GetUtcNow() },
            cancellation
        );
        return TypedResults.Ok(await storage.Runs.GetAsync(id, cancellation));
    }
}
