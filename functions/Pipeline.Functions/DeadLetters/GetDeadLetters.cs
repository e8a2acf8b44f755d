using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Pipeline.Storage;

namespace Pipeline.Functions.DeadLetters;

/// <summary><c>GET /api/deadletters</c>: messages and drops that nobody could work with, and why.</summary>
public sealed class GetDeadLetters(PipelineStorage storage)
{
    [Function(nameof(GetDeadLetters))]
    public async Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "deadletters")] HttpRequest request,
        CancellationToken cancellation
    ) => TypedResults.Ok(await storage.DeadLetters.ListAsync(cancellation));
}
