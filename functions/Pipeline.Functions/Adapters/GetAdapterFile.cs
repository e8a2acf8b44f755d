using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Functions.Http;
using Pipeline.Storage;

namespace Pipeline.Functions.Adapters;

/// <summary>
/// <c>GET /api/projects/{project}/adapters/{version}/files/{file}</c>: a file of a published version, such as
/// <c>linear.onnx</c>, <c>gate.json</c> or <c>adapter_model.safetensors</c>.
/// </summary>
public sealed class GetAdapterFile(PipelineStorage storage)
{
    [Function(nameof(GetAdapterFile))]
    public async Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "projects/{project}/adapters/{version}/files/{file}")]
            HttpRequest request,
        string project,
        string version,
        string file,
        CancellationToken cancellation
    )
    {
        if (!BlobLayout.IsProjectName(project))
        {
            return HttpResults.NoProject(project);
        }

        if (!VersionNumber.TryParse(version, out int number))
        {
            return HttpResults.BadRequest(VersionNumber.Fault(version));
        }

        if (SafeName.Fault(file, NameKind.File) is { } fault)
        {
            return HttpResults.BadRequest(fault);
        }

        RegistryPointer registry = await storage.Registry.GetAsync(project, cancellation);
        return
            registry.Published.Contains(number)
            && await storage.Files.OpenAsync(BlobLayout.Adapter(project, number, file), null, cancellation) is { } blob
            ? TypedResults.Stream(blob.Stream, "application/octet-stream", file)
            : HttpResults.NotFound($"V{number} of '{project}' is not published, or has no file '{file}'.");
    }
}
