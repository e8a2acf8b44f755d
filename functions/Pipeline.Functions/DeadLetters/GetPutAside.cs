using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Pipeline.Storage;

namespace Pipeline.Functions.DeadLetters;

/// <summary><c>GET /api/putaside</c>: the former name of <c>GET /api/deadletters</c>, kept for one version.</summary>
public sealed class GetPutAside(PipelineStorage storage)
{
    [Function(nameof(GetPutAside))]
    public Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "putaside")] HttpRequest request,
        CancellationToken cancellation
    ) => new GetDeadLetters(storage).Run(request, cancellation);
}
