using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Pipeline.Registry.Promotion;

namespace Pipeline.Functions.Adapters;

/// <summary>
/// <c>POST /api/projects/{project}/rollback</c>: the champion before the current one is the champion again.
/// </summary>
public sealed class PostRollback(RegistryChanges changes)
{
    [Function(nameof(PostRollback))]
    public Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "post", Route = "projects/{project}/rollback")] HttpRequest request,
        string project,
        CancellationToken cancellation
    ) =>
        changes.MakeAsync(
            request,
            project,
            version: null,
            (r, c, _) => VersionLedger.RollBack(r, c.Reason, c.At),
            cancellation
        );
}
