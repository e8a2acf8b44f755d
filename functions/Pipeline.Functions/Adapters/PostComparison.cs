using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Pipeline.Contracts;
using Pipeline.Functions.Durable;
using Pipeline.Functions.Http;
using Pipeline.Functions.Training;
using Pipeline.Storage;

namespace Pipeline.Functions.Adapters;

/// <summary>
/// <c>POST /api/projects/{project}/compare?versions=16,17</c>: a worker lets the older version answer the newer one's
/// held-out rows and guard set, so that both are compared on all of them; <c>GET</c> says when it is done.
/// </summary>
public sealed class PostComparison(PipelineStorage storage, TimeProvider time)
{
    [Function(nameof(PostComparison))]
    public async Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "post", Route = "projects/{project}/compare")] HttpRequest request,
        string project,
        [DurableClient] DurableTaskClient client,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(request);
        (ComparedVersions? compared, IResult? refusal) = await ComparedVersions.ReadAsync(
            storage,
            request,
            project,
            cancellation
        );
        if (compared is null)
        {
            return refusal!;
        }

        EvaluationReport? newer = await storage.Files.ReadJsonAsync<EvaluationReport>(
            BlobLayout.Adapter(project, compared.Versions.Newer, BlobLayout.EvaluationFile),
            cancellation
        );
        if (newer is null)
        {
            return HttpResults.NotFound($"V{compared.Versions.Newer} of '{project}' has no evaluation.");
        }

        string attemptId = ContentHash.ShortOf(compared.JobId, $"{time.GetUtcNow():O}");
        var attempt = new TrainingAttempt(compared.JobId, project, newer.DatasetId, attemptId)
        {
            Evaluates = compared.Versions,
        };
        await client.TryPurgeAsync(compared.InstanceId, cancellation); // one that runs is left alone
        bool started = await client.TryStartAsync(
            TrainingWatch.Name,
            new TrainingWait(attempt, null, -1),
            compared.InstanceId,
            cancellation
        );
        return TypedResults.Accepted(
            $"/api/projects/{project}/compare?versions={compared.Versions.Older},{compared.Versions.Newer}",
            new { job = compared.JobId, started }
        );
    }
}
