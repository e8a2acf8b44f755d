using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Pipeline.Functions.Http;
using Pipeline.Storage;

namespace Pipeline.Functions.DeadLetters;

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
            ? TypedResults.Ok(new { id, deleted = true })
            : HttpResults.NotFound($"There is no dead letter '{id}'.");
    }
}
