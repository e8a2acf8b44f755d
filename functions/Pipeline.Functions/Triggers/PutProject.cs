using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Datasets.Configuration;
using Pipeline.Storage;

namespace Pipeline.Functions.Triggers;

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
            return HttpAnswer.NoProject(project);
        }

        string? yaml = await HttpAnswer.BodyAsync(request, cancellation);
        if (yaml is null)
        {
            return HttpAnswer.BadRequest("project.yaml may have a million characters.");
        }

        try
        {
            ProjectSettings settings = ProjectFile.Read(yaml);
            await storage.Files.WriteAsync(BlobLayout.Project(project), Encoding.UTF8.GetBytes(yaml), cancellation);
            return HttpAnswer.Ok(settings);
        }
        catch (DatasetException fault)
        {
            return HttpAnswer.BadRequest(fault.Message);
        }
    }
}
