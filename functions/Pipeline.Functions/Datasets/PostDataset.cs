using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Functions.Durable;
using Pipeline.Functions.Http;
using Pipeline.Functions.Projects;
using Pipeline.Functions.Verdicts;
using Pipeline.Storage;

namespace Pipeline.Functions.Datasets;

/// <summary>
/// <c>POST /api/projects/{project}/datasets</c> with <c>{"source": NAME}</c>: builds a dataset and trains nothing.
/// </summary>
public sealed class PostDataset(PipelineStorage storage, ProjectReader projects, CorrectionBatches corrections)
{
    [Function(nameof(PostDataset))]
    public async Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "post", Route = "projects/{project}/datasets")] HttpRequest request,
        string project,
        [DurableClient] DurableTaskClient client,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(client);
        if (!BlobLayout.IsProjectName(project))
        {
            return HttpResults.NoProject(project);
        }

        (SourceRequest? body, string? fault) = await RequestBody.JsonAsync<SourceRequest>(request, cancellation);
        if (string.IsNullOrWhiteSpace(body?.Source))
        {
            return HttpResults.BadRequest(fault ?? "Give 'source', the name of a blob in raw/{project}/.");
        }

        if (await FaultAsync(project, body.Source, cancellation) is { } wrong)
        {
            return HttpResults.BadRequest(wrong);
        }

        (string? batch, string? unreadable) = await CorrectionsAsync(project, cancellation);
        if (unreadable is not null)
        {
            return HttpResults.BadRequest(unreadable);
        }

        var input = new PipelineInput("", project, body.Source, batch, RunTrigger.Http);
        return await BuildAsync(client, input, cancellation);
    }

    private async Task<IResult> BuildAsync(
        DurableTaskClient client,
        PipelineInput input,
        CancellationToken cancellation
    )
    {
        string instanceId = await client.ScheduleNewOrchestrationInstanceAsync(
            DatasetGeneration.Name,
            input,
            null,
            cancellation
        );
        OrchestrationMetadata done = await client.WaitForInstanceCompletionAsync(
            instanceId,
            getInputsAndOutputs: true,
            cancellation
        );
        DatasetOutput? output =
            done.RuntimeStatus == OrchestrationRuntimeStatus.Completed && done.SerializedOutput is { } json
                ? ContractJson.Read<DatasetOutput>(json)
                : null;
        return output switch
        {
            null => HttpResults.Failed(
                $"The dataset could not be built ({done.RuntimeStatus}): {done.FailureReason()}"
            ),
            { Fault: { } reason } => HttpResults.BadRequest(reason),
            _ => TypedResults.Ok(
                await storage.Files.ReadJsonAsync<DatasetManifest>(
                    BlobLayout.Dataset(output.DatasetId, BlobLayout.ManifestFile),
                    cancellation
                )
            ),
        };
    }

    private async Task<(string? Batch, string? Fault)> CorrectionsAsync(string project, CancellationToken cancellation)
    {
        try
        {
            ProjectSettings settings = await projects.SettingsAsync(project, cancellation);
            return ((await corrections.WriteAsync(project, settings, cancellation))?.Name, null);
        }
        catch (DatasetException unreadable)
        {
            return (null, unreadable.Message);
        }
    }

    private async Task<string?> FaultAsync(string project, string source, CancellationToken cancellation) =>
        SafeName.Fault(source, NameKind.Path) is { } unsafeName ? unsafeName
        : await storage.Files.ExistsAsync(BlobLayout.Raw(project, source), cancellation) ? null
        : $"'{BlobLayout.Raw(project, source)}' does not exist; drop it first.";
}
