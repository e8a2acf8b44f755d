using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Functions.Http;
using Pipeline.Storage;

namespace Pipeline.Functions.Publishing;

/// <summary><c>GET /api/runs/{id}/report</c>: the report that lies beside the run's adapter.</summary>
public sealed class GetReport(PipelineStorage storage)
{
    [Function(nameof(GetReport))]
    public async Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "runs/{id}/report")] HttpRequest request,
        string id,
        CancellationToken cancellation
    )
    {
        RunRecord? run = await storage.Runs.GetAsync(id, cancellation);
        byte[]? page = run?.Adapter is { } adapter
            ? await storage.Files.ReadAsync(
                new BlobAddress(BlobLayout.AdaptersContainer, adapter + BlobLayout.ReportFile),
                cancellation
            )
            : null;
        return HttpResults.Document(page, $"There is no report of a run '{id}'.");
    }
}
