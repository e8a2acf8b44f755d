using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Functions.Http;
using Pipeline.Functions.Retraining;

namespace Pipeline.Functions.Review;

/// <summary>
/// <c>POST /api/projects/{project}/queue/leases</c>: gives the reviewer whom the key names the next items of the queue,
/// which nobody else gets until the lease ends; those that he has already come first.
/// </summary>
public sealed class PostLeases(ReviewQueues queues, VerdictIntake intake)
{
    private const int MaxTake = 50;

    [Function(nameof(PostLeases))]
    public async Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "post", Route = "projects/{project}/queue/leases")]
            HttpRequest request,
        string project,
        CancellationToken cancellation
    )
    {
        if (!BlobLayout.IsProjectName(project))
        {
            return HttpResults.NoProject(project);
        }

        (LeaseBody? body, string? fault) = await RequestBody.JsonAsync(request, cancellation, new LeaseBody());
        if (body is null || body.Take is < 1 or > MaxTake)
        {
            return HttpResults.BadRequest(fault ?? $"'take' is 1 to {MaxTake}.");
        }

        (string? reviewer, string? noReviewer) = await intake.ReviewerAsync(request, project, cancellation);
        if (reviewer is null)
        {
            return HttpResults.BadRequest(noReviewer ?? PostDecision.NeedsKey);
        }

        try
        {
            return TypedResults.Ok(
                new
                {
                    reviewer,
                    items = await queues.TakeAsync(project, reviewer, body.Kinds ?? [], body.Take, cancellation),
                }
            );
        }
        catch (DatasetException unreadable)
        {
            return HttpResults.BadRequest(unreadable.Message);
        }
    }
}

/// <summary>How many items a reviewer wants, and of which kinds.</summary>
/// <param name="Take">1 to 50.</param>
/// <param name="Kinds">The kinds; <c>null</c>: all.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record LeaseBody(int Take = 1, IReadOnlyList<ReviewKind>? Kinds = null);
