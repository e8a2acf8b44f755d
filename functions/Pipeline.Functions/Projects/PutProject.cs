using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Datasets.Configuration;
using Pipeline.Functions.Http;
using Pipeline.Storage;

namespace Pipeline.Functions.Projects;

/// <summary><c>PUT /api/projects/{project}</c>: registers project.yaml.</summary>
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
            ProjectSettings settings = ProjectFile.Read(yaml);
            await storage.Files.WriteAsync(BlobLayout.Project(project), Encoding.UTF8.GetBytes(yaml), cancellation);
            return TypedResults.Ok(settings);
        }
        catch (DatasetException fault)
        {
            return HttpResults.BadRequest(fault.Message);
        }
    }
}
