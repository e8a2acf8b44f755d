using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Datasets.Configuration;
using Pipeline.Functions.Http;
using Pipeline.Storage;

namespace Pipeline.Functions.Projects;

/// <summary>
/// <c>PUT /api/projects/{project}</c>: registers project.yaml, and goes on with runs that waited for settings; answers
/// with all settings and, where there are some, <c>warnings</c> (former names) and <c>continued</c> (the runs started).
/// </summary>
public sealed class PutProject(PipelineStorage storage, IWaitingRuns waiting, CodeBooks codeBooks)
{
    [Function(nameof(PutProject))]
    public async Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "put", Route = "projects/{project}")] HttpRequest request,
        string project,
        [DurableClient] DurableTaskClient client,
        CancellationToken cancellation
    )
    {
        if (!BlobLayout.IsProjectName(project))
        {
            return HttpResults.NoProject(project);
        }

        string? yaml = await RequestBody.TextAsync(request, cancellation);
        if (yaml is null)
        {
            return HttpResults.BadRequest("project.yaml may have a million characters.");
        }

        try
        {
            List<string> warnings = [];
            ProjectSettings settings = ProjectFile.Read(yaml, warnings.Add);
            JsonNode answer = JsonNode.Parse(ContractJson.WriteUtf8(settings))!;
            await storage.Files.WriteAsync(BlobLayout.Project(project), Encoding.UTF8.GetBytes(yaml), cancellation);
            await codeBooks.NoteAsync(project, settings.Rules, cancellation);
            IReadOnlyList<string> continued = await ContinueAsync(client, project, warnings, cancellation);
            foreach (
                (string name, IReadOnlyList<string> values) in ((string, IReadOnlyList<string>)[])
                    [("warnings", warnings), ("continued", continued)]
            )
            {
                if (values.Count > 0)
                {
                    answer[name] = new JsonArray([.. values.Select(v => (JsonNode)v)]);
                }
            }

            return TypedResults.Ok(answer);
        }
        catch (DatasetException fault)
        {
            return HttpResults.BadRequest(fault.Message);
        }
    }

    /// <summary>Goes on with what waited; that a raw file is gone does not undo the registration.</summary>
    private async Task<IReadOnlyList<string>> ContinueAsync(
        DurableTaskClient client,
        string project,
        List<string> warnings,
        CancellationToken cancellation
    )
    {
        try
        {
            return await waiting.ContinueAsync(client, project, cancellation);
        }
        catch (DatasetException fault)
        {
            warnings.Add($"A run that waited for settings could not go on: {fault.Message}");
            return [];
        }
    }
}
