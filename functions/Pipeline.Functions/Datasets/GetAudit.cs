using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Functions.Http;
using Pipeline.Storage;

namespace Pipeline.Functions.Datasets;

/// <summary>
/// <c>GET /api/runs/{id}/audit</c>: the page of the run's dataset: checks, tokens, labels, rejected rows.
/// </summary>
public sealed class GetAudit(PipelineStorage storage)
{
    [Function(nameof(GetAudit))]
    public async Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "runs/{id}/audit")] HttpRequest request,
        string id,
        CancellationToken cancellation
    )
    {
        RunRecord? run = await storage.Runs.GetAsync(id, cancellation);
        byte[]? page = run?.DatasetId is { } dataset
            ? await storage.Files.ReadAsync(BlobLayout.Dataset(dataset, BlobLayout.AuditPageFile), cancellation)
            : null;
        return HttpResults.Document(page, $"There is no audited dataset of a run '{id}'.");
    }
}
