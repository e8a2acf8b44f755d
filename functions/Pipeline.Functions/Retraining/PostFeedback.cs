using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Pipeline.Contracts;
using Pipeline.Functions.Http;
using Pipeline.Registry.Feedback;
using Pipeline.Storage;

namespace Pipeline.Functions.Retraining;

/// <summary>
/// <c>POST /api/projects/{project}/feedback</c>: keeps a verdict; enough corrections start a retraining.
/// </summary>
public sealed class PostFeedback(PipelineStorage storage, RetrainingStarter retraining, TimeProvider time)
{
    /// <summary>The header with a reviewer's key.</summary>
    public const string ReviewerKeyHeader = "X-Reviewer-Key";

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

        string? key = request.Headers[ReviewerKeyHeader];
        string? reviewer = key is null ? null : await ReviewerAsync(project, key, cancellation);
        if (key is not null && reviewer is null)
        {
            return HttpResults.BadRequest($"The key in '{ReviewerKeyHeader}' names no reviewer of '{project}'.");
        }

        (FeedbackRecord? verdict, string? wrong) = FeedbackVerdict.Check(
            new FeedbackRecord
            {
                Id = "",
                Project = project,
                At = time.GetUtcNow(),
                Text = body.Text,
                RunId = body.RunId,
                AdapterVersion = body.AdapterVersion,
                Score = body.Score,
                Correction = body.Correction,
                Reviewer = reviewer ?? (string.IsNullOrWhiteSpace(body.Reviewer) ? null : body.Reviewer.Trim()),
                HasKey = reviewer is not null,
            },
            project
        );
        if (verdict is null)
        {
            return HttpResults.BadRequest(wrong!);
        }

        await storage.Files.WriteJsonAsync(BlobLayout.Feedback(project, verdict.Id), verdict, cancellation);
        string? started = FeedbackVerdict.Teaches(verdict)
            ? await retraining.StartIfDueAsync(client, project, RunTrigger.Feedback, cancellation)
            : null;
        return TypedResults.Ok(new { verdict.Id, retraining = started });
    }

    private async Task<string?> ReviewerAsync(string project, string key, CancellationToken cancellation) =>
        (await storage.Files.ReadJsonAsync<ReviewerKeys>(BlobLayout.Reviewers(project), cancellation))?.Find(key);
}

/// <summary>The body of a verdict.</summary>
public sealed record FeedbackBody(
    string? Text,
    string? RunId,
    string? AdapterVersion,
    int Score,
    string? Correction,
    string? Reviewer = null
);
