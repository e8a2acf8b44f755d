using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Pipeline.Contracts;
using Pipeline.Functions.Http;
using Pipeline.Storage;

namespace Pipeline.Functions.Runs;

/// <summary><c>GET /api/runs/{id}</c>: a run and the last line of its worker's progress.</summary>
public sealed class GetRun(PipelineStorage storage, InterruptedRuns interrupted)
{
    [Function(nameof(GetRun))]
    public async Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "runs/{id}")] HttpRequest request,
        string id,
        [DurableClient] DurableTaskClient client,
        CancellationToken cancellation
    )
    {
        RunRecord? run = await storage.Runs.GetAsync(id, cancellation);
        if (run is null)
        {
            return HttpResults.NotFound($"There is no run '{id}'.");
        }

        run = await interrupted.CheckAsync(client, run, cancellation);
        byte[]? lines = await storage.Files.ReadAsync(BlobLayout.Progress(id), cancellation);
        DatasetManifest? manifest = run.DatasetId is null
            ? null
            : await storage.Files.ReadJsonAsync<DatasetManifest>(
                BlobLayout.Dataset(run.DatasetId, BlobLayout.ManifestFile),
                cancellation
            );
        return TypedResults.Ok(new RunView(run, LastLine(lines), manifest?.Rows));
    }

    private static TrainingProgress? LastLine(byte[]? lines)
    {
        int end = lines is null ? -1 : Array.LastIndexOf(lines, (byte)'\n');
        if (end <= 0)
        {
            return null;
        }

        int start = Array.LastIndexOf(lines!, (byte)'\n', end - 1) + 1;
        return ContractJson.Read<TrainingProgress>(lines.AsSpan(start, end - start));
    }
}

/// <summary>A run, how far its worker is, and how the rows read have ended.</summary>
public sealed record RunView(RunRecord Run, TrainingProgress? Progress, RowCounts? Rows);
