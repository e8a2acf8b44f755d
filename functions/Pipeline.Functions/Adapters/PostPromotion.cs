using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Pipeline.Registry.Promotion;

namespace Pipeline.Functions.Adapters;

/// <summary>
/// <c>POST /api/projects/{project}/adapters/{version}/promote</c>: makes a version the champion because a person wants
/// it; one that the gate has refused only with <c>force</c>.
/// </summary>
public sealed class PostPromotion(RegistryChanges changes)
{
    [Function(nameof(PostPromotion))]
    public Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "post", Route = "projects/{project}/adapters/{version}/promote")]
            HttpRequest request,
        string project,
        string version,
        CancellationToken cancellation
    ) =>
        changes.MakeAsync(
            request,
            project,
            version,
            (r, c, call) => VersionLedger.Promote(r, c, call.Force),
            cancellation
        );
}
