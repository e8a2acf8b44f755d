using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Pipeline.Functions.Http;

namespace Pipeline.Functions.DeadLetters;

/// <summary>
/// <c>POST /api/deadletters/{id}/requeue</c>: puts a dead letter back into its queue, or starts its drop again.
/// </summary>
public sealed class RequeueDeadLetter(DeadLetterReturn letters)
{
    [Function(nameof(RequeueDeadLetter))]
    public async Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "post", Route = "deadletters/{id}/requeue")] HttpRequest request,
        string id,
        [DurableClient] DurableTaskClient client,
        CancellationToken cancellation
    )
    {
        (bool found, string? fault) = await letters.RequeueAsync(client, id, cancellation);
        return !found ? HttpResults.NotFound($"There is no dead letter '{id}'.")
            : fault is not null ? HttpResults.Conflict(fault)
            : TypedResults.Ok(new { id, requeued = true });
    }
}
