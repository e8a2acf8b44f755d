using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Functions.Http;
using Pipeline.Storage;

namespace Pipeline.Functions.Verdicts;

/// <summary>
/// <c>GET /api/projects/{project}/adapters/{version}/answers</c>: what a version answered to its held-out rows, with
/// the ids by which verdicts name the answers; <c>?skip=0&amp;take=100</c>.
/// </summary>
public sealed class GetAnswers(PipelineStorage storage, KnownAnswers answers)
{
    private const int MaxTake = 1_000;
    private const int DefaultTake = 100;

    [Function(nameof(GetAnswers))]
    public async Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "projects/{project}/adapters/{version}/answers")]
            HttpRequest request,
        string project,
        string version,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(request);
        if (!BlobLayout.IsProjectName(project))
        {
            return HttpResults.NoProject(project);
        }

        if (!VersionNumber.TryParse(version, out int number))
        {
            return HttpResults.BadRequest(VersionNumber.Fault(version));
        }

        if (
            !QueryCount.TryRead(request, "skip", 0, int.MaxValue, out int skip)
            || !QueryCount.TryRead(request, "take", DefaultTake, MaxTake, out int take)
        )
        {
            return HttpResults.BadRequest($"'skip' and 'take' are whole numbers, 'take' of at most {MaxTake:N0}.");
        }

        RegistryPointer registry = await storage.Registry.GetAsync(project, cancellation);
        if (!registry.Published.Contains(number))
        {
            return HttpResults.NotFound($"V{number} of '{project}' is not published.");
        }

        IReadOnlyList<AnswerRecord> all = await answers.ListAsync(registry, number, cancellation);
        return TypedResults.Ok(new { total = all.Count, answers = all.Skip(skip).Take(take) });
    }
}
