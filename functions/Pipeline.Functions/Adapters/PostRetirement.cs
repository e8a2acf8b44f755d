using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Pipeline.Registry.Promotion;

namespace Pipeline.Functions.Adapters;

/// <summary>
/// <c>POST /api/projects/{project}/adapters/{version}/retire</c>: takes a version out of use; its files stay.
/// </summary>
public sealed class PostRetirement(RegistryChanges changes)
{
    [Function(nameof(PostRetirement))]
    public Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "post", Route = "projects/{project}/adapters/{version}/retire")]
            HttpRequest request,
        string project,
        string version,
        CancellationToken cancellation
    ) => changes.MakeAsync(request, project, version, (r, c, _) => VersionLedger.Retire(r, c), cancellation);
}
