using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Datasets.Exports;
using Pipeline.Functions.Http;
using Pipeline.Reporting.Pages;
using Pipeline.Storage;

namespace Pipeline.Functions.Datasets;

/// <summary>
/// <c>GET /api/runs/{id}/rejected</c>: the rejected rows, each with its place and reason, as a file to keep;
/// with <c>?as=page</c> for a clerk to read, with <c>?as=csv</c> those that can be corrected, in the columns they came
/// in.
/// </summary>
public sealed class GetRejected(PipelineStorage storage)
{
    [Function(nameof(GetRejected))]
    public async Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "runs/{id}/rejected")] HttpRequest request,
        string id,
        CancellationToken cancellation
    )
    {
        RunRecord? run = await storage.Runs.GetAsync(id, cancellation);
        ArgumentNullException.ThrowIfNull(request);
        byte[]? rows = run?.DatasetId is { } dataset
            ? await storage.Files.ReadAsync(BlobLayout.Dataset(dataset, BlobLayout.RejectedFile), cancellation)
            : null;
        if (rows is null)
        {
            return HttpResults.NotFound($"There are no rejected rows of a run '{id}'.");
        }

        switch (request.Query["as"].ToString())
        {
            case "page":
                DatasetManifest manifest = (
                    await storage.Files.ReadJsonAsync<DatasetManifest>(
                        BlobLayout.Dataset(run!.DatasetId!, BlobLayout.ManifestFile),
                        cancellation
                    )
                )!;
                return HttpResults.Document(Encoding.UTF8.GetBytes(RejectedPage.Write(manifest, Read(rows))), "");
            case "csv":
                using (var table = new StringWriter())
                {
                    RejectedTable.Write(Read(rows), table);
                    return TypedResults.File(Encoding.UTF8.GetBytes(table.ToString()), "text/csv", $"{id}-to-mend.csv");
                }

            default:
                return TypedResults.File(rows, "application/octet-stream", $"{id}-{BlobLayout.RejectedFile}");
        }
    }

    private static IEnumerable<RejectedRow> Read(byte[] lines) =>
        Encoding
            .UTF8.GetString(lines)
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(l => ContractJson.Read<RejectedRow>(l));
}
