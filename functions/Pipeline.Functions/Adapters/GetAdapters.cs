using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Functions.Http;
using Pipeline.Registry.Promotion;
using Pipeline.Storage;

namespace Pipeline.Functions.Adapters;

/// <summary>
/// <c>GET /api/projects/{project}/adapters</c>: the champion, the published versions and all that happened to them.
/// </summary>
public sealed class GetAdapters(PipelineStorage storage)
{
    [Function(nameof(GetAdapters))]
    public async Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "projects/{project}/adapters")] HttpRequest request,
        string project,
        CancellationToken cancellation
    )
    {
        if (!BlobLayout.IsProjectName(project))
        {
            return HttpResults.NoProject(project);
        }

        return TypedResults.Ok(RegistryView.From(await storage.Registry.GetAsync(project, cancellation)));
    }
}

/// <summary>A project's registry.</summary>
/// <param name="Project">The project.</param>
/// <param name="Champion">The champion's version; <c>null</c>: there is none.</param>
/// <param name="Versions">Every published version, oldest first.</param>
/// <param name="TestSets">Its test sets and how many versions were measured on each.</param>
/// <param name="History">All that happened, oldest first.</param>
public sealed record RegistryView(
    string Project,
    int? Champion,
    IReadOnlyList<VersionEntry> Versions,
    IReadOnlyList<TestSetEntry> TestSets,
    IReadOnlyList<RegistryEvent> History
)
{
    /// <summary>What a registry shows of itself.</summary>
    public static RegistryView From(RegistryPointer registry)
    {
        ArgumentNullException.ThrowIfNull(registry);
        return new(
            registry.Project,
            registry.Champion,
            VersionLedger.List(registry),
            registry.TestSets,
            registry.History
        );
    }
}
