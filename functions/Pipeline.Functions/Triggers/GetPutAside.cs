using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Pipeline.Storage;

namespace Pipeline.Functions.Triggers;

/// <summary><c>GET /api/putaside</c>: messages and drops that nobody could work with, and why.</summary>
public sealed class GetPutAside(PipelineStorage storage)
{
    [Function(nameof(GetPutAside))]
    public async Task<IResult> Run([HttpTrigger(AuthorizationLevel.Function, "get", Route = "putaside")] HttpRequest request, CancellationToken cancellation) =>
        HttpAnswer.Ok(await storage.Poison.ListAsync(cancellation));
}
