using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;

namespace Pipeline.Functions.Triggers;

/// <summary><c>POST /api/putaside/{id}/requeue</c>: brings back a message or a drop that nobody could work with.</summary>
public sealed class RequeuePutAside(PutAsideReturn aside)
{
    [Function(nameof(RequeuePutAside))]
    public async Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "post", Route = "putaside/{id}/requeue")] HttpRequest request, string id, [DurableClient] DurableTaskClient client, CancellationToken cancellation)
    {
        (bool found, string? fault) = await aside.RequeueAsync(client, id, cancellation);
        return !found ? HttpAnswer.NotFound($"Nothing is put aside as '{id}'.") : fault is not null ? HttpAnswer.Conflict(fault) : HttpAnswer.Ok(new { id, requeued = true });
    }
}
