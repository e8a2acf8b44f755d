using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Datasets.Configuration;
using Pipeline.Functions.Http;
using Pipeline.Storage;

namespace Pipeline.Functions.Projects;

/// <summary>
/// <c>PUT /api/projects/{project}</c>: registers project.yaml; answers with all settings and, where a former name was
/// used, <c>warnings</c>.
/// </summary>
public sealed class PutProject(PipelineStorage storage)
{
    [Function(nameof(PutProject))]
    public async Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "put", Route = "projects/{project}")] HttpRequest request,
        string project,
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
            JsonNode answer = JsonNode.Parse(ContractJson.WriteUtf8(ProjectFile.Read(yaml, warnings.Add)))!;
            await storage.Files.WriteAsync(BlobLayout.Project(project), Encoding.UTF8.GetBytes(yaml), cancellation);
            if (warnings.Count > 0)
            {
                answer["warnings"] = new JsonArray([.. warnings.Select(w => (JsonNode)w)]);
            }

            return TypedResults.Ok(answer);
        }
        catch (DatasetException fault)
        {
            return HttpResults.BadRequest(fault.Message);
        }
    }
}
