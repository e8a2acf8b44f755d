using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Pipeline.Storage;

namespace Pipeline.Functions.Triggers;

/// <summary><c>DELETE /api/deadletters/{id}</c>: removes a dead letter for good; the blob of a drop stays.</summary>
public sealed class DeleteDeadLetter(PipelineStorage storage)
{
    [Function(nameof(DeleteDeadLetter))]
    public async Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "delete", Route = "deadletters/{id}")] HttpRequest request,
        string id,
        CancellationToken cancellation
    )
    {
        (bool found, _) = await storage.DeadLetters.TakeAsync(
            id,
            (_, _) => Task.FromResult<string?>(null),
            cancellation
        );
        return found
            ? HttpAnswer.Ok(new { id, deleted = true })
            : HttpAnswer.NotFound($"There is no dead letter '{id}'.");
    }
}
