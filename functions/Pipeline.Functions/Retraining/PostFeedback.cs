using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Pipeline.Contracts;
using Pipeline.Functions.Http;

namespace Pipeline.Functions.Retraining;

/// <summary>
/// <c>POST /api/projects/{project}/feedback</c>: keeps a verdict on an answer; enough corrections start a retraining.
/// </summary>
public sealed class PostFeedback(VerdictIntake intake, TimeProvider time)
{
    [Function(nameof(PostFeedback))]
    public async Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "post", Route = "projects/{project}/feedback")] HttpRequest request,
        string project,
        [DurableClient] DurableTaskClient client,
        CancellationToken cancellation
    )
    {
        if (!BlobLayout.IsProjectName(project))
        {
            return HttpResults.NoProject(project);
        }

        (FeedbackBody? body, string? fault) = await RequestBody.JsonAsync<FeedbackBody>(request, cancellation);
        if (body is null)
        {
            return HttpResults.BadRequest(fault!);
        }

        (string? name, string? noReviewer) = await intake.ReviewerAsync(request, project, cancellation);
        if (noReviewer is not null)
        {
            return HttpResults.BadRequest(noReviewer);
        }

        string? given = string.IsNullOrWhiteSpace(body.Reviewer) ? null : body.Reviewer.Trim();
        ReviewerClaim reviewer = name is null
            ? new ReviewerClaim(given, HasKey: false)
            : new ReviewerClaim(name, HasKey: true);
        return Answer(await intake.TakeAsync(client, project, body, reviewer, cancellation), request, time);
    }

    /// <summary>200 with the verdict's id, 400 with what is wrong, or 429 with the limit.</summary>
    internal static IResult Answer(VerdictOutcome outcome, HttpRequest request, TimeProvider time)
    {
        if (outcome.Limit is { } limit)
        {
            DateTimeOffset now = time.GetUtcNow();
            var left = TimeSpan.FromDays(1) - now.UtcDateTime.TimeOfDay;
            return HttpResults.TooMany(
                request,
                $"{limit}; the limits are feedback.reviewerPerDay and "
                    + "feedback.projectPerDay in project.yaml, and a day ends at midnight UTC.",
                left
            );
        }

        return outcome.Verdict is not { } verdict
            ? HttpResults.BadRequest(outcome.Fault!)
            : TypedResults.Ok(
                new
                {
                    verdict.Id,
                    verdict.Reviewer,
                    verdict.HasKey,
                    today = outcome.Today,
                    retraining = outcome.Retraining,
                }
            );
    }
}

/// <summary>The body of a verdict; a name that it does not know is refused.</summary>
/// <param name="AnswerId">The answer's id, which gives text, answer and version.</param>
/// <param name="Text">The text that was answered.</param>
/// <param name="Answer">The answer that the verdict is on.</param>
/// <param name="RunId">The run whose answer it was.</param>
/// <param name="AdapterVersion">The version whose answer it was, such as 3 or v3.</param>
/// <param name="Score">-1 thumb down, 0 neither, 1 thumb up.</param>
/// <param name="Correction">The right answer.</param>
/// <param name="Ranking">Several answers or their ids, the best first.</param>
/// <param name="Comment">A remark.</param>
/// <param name="Reviewer">A name; without a key it counts for nothing.</param>
/// <param name="Rule">The rule of the code book by which the correction is right.</param>
/// <param name="Exclude">Whether the row of the text is not to be learned; needs a key.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record FeedbackBody(
    string? AnswerId = null,
    string? Text = null,
    string? Answer = null,
    string? RunId = null,
    string? AdapterVersion = null,
    int Score = 0,
    string? Correction = null,
    IReadOnlyList<string>? Ranking = null,
    string? Comment = null,
    string? Reviewer = null,
    string? Rule = null,
    bool Exclude = false
)
{
    /// <summary>The row of a dataset that a decision in the review queue is on; not for callers.</summary>
    [JsonIgnore]
    public string? RowId { get; init; }
}
