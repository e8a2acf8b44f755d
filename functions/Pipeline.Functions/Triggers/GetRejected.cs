using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Storage;

namespace Pipeline.Functions.Triggers;

/// <summary><c>GET /api/runs/{id}/rejected</c>: the rows that were rejected, each with its place and reason, as a file to keep.</summary>
public sealed class GetRejected(PipelineStorage storage)
{
    [Function(nameof(GetRejected))]
    public async Task<IResult> Run([HttpTrigger(AuthorizationLevel.Function, "get", Route = "runs/{id}/rejected")] HttpRequest request, string id, CancellationToken cancellation)
    {
        RunRecord? run = await storage.Runs.GetAsync(id, cancellation);
        byte[]? rows = run?.DatasetId is { } dataset ? await storage.Files.ReadAsync(BlobLayout.Dataset(dataset, BlobLayout.RejectedFile), cancellation) : null;
        return rows is null
            ? HttpAnswer.NotFound($"There are no rejected rows of a run '{id}'.")
            : Results.File(rows, "application/octet-stream", $"{id}-{BlobLayout.RejectedFile}");
    }
}
