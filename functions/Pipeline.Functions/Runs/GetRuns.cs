using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Pipeline.Storage;

namespace Pipeline.Functions.Runs;

/// <summary><c>GET /api/runs[?project=NAME]</c>: the runs, the newest first.</summary>
public sealed class GetRuns(PipelineStorage storage, InterruptedRuns interrupted)
{
    [Function(nameof(GetRuns))]
    public async Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "runs")] HttpRequest request,
        [DurableClient] DurableTaskClient client,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(request);
        string? project = request.Query["project"];
        return TypedResults.Ok(
            await interrupted.CheckAsync(client, await storage.Runs.ListAsync(project, cancellation), cancellation)
        );
    }
}
