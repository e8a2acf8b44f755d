using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Functions.Http;
using Pipeline.Reporting.Pages;
using Pipeline.Storage;

namespace Pipeline.Functions.Runs;

/// <summary>
/// <c>GET /api/runs/{id}/curve</c>: training and validation loss so far as an SVG; empty before the first step.
/// </summary>
public sealed class GetRunCurve(PipelineStorage storage)
{
    [Function(nameof(GetRunCurve))]
    public async Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "runs/{id}/curve")] HttpRequest request,
        string id,
        CancellationToken cancellation
    )
    {
        if (await storage.Runs.GetAsync(id, cancellation) is null)
        {
            return HttpResults.NotFound($"There is no run '{id}'.");
        }

        byte[] progress = await storage.Files.ReadAsync(BlobLayout.Progress(id), cancellation) ?? [];
        int end = Array.LastIndexOf(progress, (byte)'\n') + 1; // a line that is being written is left out
        TrainingProgress[] lines =
        [
            .. Encoding
                .UTF8.GetString(progress, 0, end)
                .Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(l => ContractJson.Read<TrainingProgress>(l)),
        ];
        int? steps = lines.LastOrDefault(l => l.Loss is not null)?.Total;
        return TypedResults.Text(LossCurve.Svg(lines, steps), "image/svg+xml", Encoding.UTF8);
    }
}
