using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Pipeline.Storage;

namespace Pipeline.Functions.Triggers;

/// <summary><c>DELETE /api/putaside/{id}</c>: removes a message or a note of a drop that nobody could work with, for good; the blob stays.</summary>
public sealed class DeletePutAside(PipelineStorage storage)
{
    [Function(nameof(DeletePutAside))]
    public async Task<IResult> Run([HttpTrigger(AuthorizationLevel.Function, "delete", Route = "putaside/{id}")] HttpRequest request, string id, CancellationToken cancellation)
    {
        (bool found, _) = await storage.Poison.TakeAsync(id, (_, _) => Task.FromResult<string?>(null), cancellation);
        return found ? HttpAnswer.Ok(new { id, deleted = true }) : HttpAnswer.NotFound($"Nothing is put aside as '{id}'.");
    }
}
