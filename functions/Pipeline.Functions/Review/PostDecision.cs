using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Datasets.Ingestion.Layouts;
using Pipeline.Functions.Http;
using Pipeline.Functions.Retraining;
using Pipeline.Registry.Review;

namespace Pipeline.Functions.Review;

/// <summary>
/// <c>POST /api/projects/{project}/queue/{item}</c>: what the reviewer whom the key names decides on an item of the
/// queue. A decision is a verdict like any other, in the same log and within the same limits.
/// </summary>
public sealed class PostDecision(ReviewQueues queues, VerdictIntake intake, TimeProvider time)
{
    internal const string NeedsKey =
        $"The review queue needs a reviewer's key in the header '{VerdictIntake.ReviewerKeyHeader}': "
        + "POST /api/projects/{project}/reviewers issues one.";

    [Function(nameof(PostDecision))]
    public async Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "post", Route = "projects/{project}/queue/{item}")]
            HttpRequest request,
        string project,
        string item,
        [DurableClient] DurableTaskClient client,
        CancellationToken cancellation
    )
    {
        if (!BlobLayout.IsProjectName(project))
        {
            return HttpResults.NoProject(project);
        }

        (DecisionBody? body, string? fault) = await RequestBody.JsonAsync<DecisionBody>(request, cancellation);
        if (body is null)
        {
            return HttpResults.BadRequest(fault!);
        }

        (string? reviewer, string? noReviewer) = await intake.ReviewerAsync(request, project, cancellation);
        if (reviewer is null)
        {
            return HttpResults.BadRequest(noReviewer ?? NeedsKey);
        }

        try
        {
            var decided = new Decided(client, project, item, reviewer, body);
            return await DecideAsync(decided, request, cancellation);
        }
        catch (DatasetException unreadable)
        {
            return HttpResults.BadRequest(unreadable.Message);
        }
    }

    private async Task<IResult> DecideAsync(Decided decided, HttpRequest request, CancellationToken cancellation)
    {
        (string project, string id, string reviewer) = (decided.Project, decided.Item, decided.Reviewer);
        ProjectReview queue = await queues.GetAsync(project, cancellation);
        if (queue.Items.FirstOrDefault(i => i.Id == id) is not { } item)
        {
            return HttpResults.NotFound($"'{project}' has no item '{id}' in its queue: it is decided, or never was.");
        }

        ReviewLeases leases = await queues.LeasesAsync(project, cancellation);
        if (LeaseTable.HeldByOther(leases, id, reviewer, time.GetUtcNow()) is { } other)
        {
            return HttpResults.Conflict(
                $"'{other.Reviewer}' has item '{id}' until {other.Until.UtcDateTime:HH:mm} UTC."
            );
        }

        ReviewDecision decision = decided.Body.Decision;
        IReadOnlyList<FeedbackBody> verdicts = [];
        if (decision != ReviewDecision.Skip)
        {
            (verdicts, string? fault) = VerdictsOf(item, decided.Body, queue.Settings);
            if (fault is not null)
            {
                return HttpResults.BadRequest(fault);
            }
        }

        IResult answer = TypedResults.Ok(new { item = id, decision = decision.Name() });
        foreach (FeedbackBody verdict in verdicts)
        {
            VerdictOutcome outcome = await intake.TakeAsync(
                decided.Client,
                project,
                verdict,
                new ReviewerClaim(reviewer, HasKey: true),
                cancellation
            );
            answer = PostFeedback.Answer(outcome, request, time);
            if (outcome.Verdict is null)
            {
                return answer; // the item stays the reviewer's
            }
        }

        await queues.ReturnAsync(project, id, reviewer, decision == ReviewDecision.Skip, cancellation);
        return answer;
    }

    /// <summary>A decision as verdicts, or what is wrong with it.</summary>
    private static (IReadOnlyList<FeedbackBody> Verdicts, string? Fault) VerdictsOf(
        ReviewItem item,
        DecisionBody body,
        ProjectSettings settings
    )
    {
        string text = string.IsNullOrWhiteSpace(body.Text) ? item.Text : body.Text.Trim();
        bool isOtherText = TextKey.From(text) != TextKey.From(item.Text);
        // Without the answer's id: its version may be gone, and the text says as much.
        var verdict = new FeedbackBody(Text: text, Rule: body.Rule, Comment: body.Comment) { RowId = item.RowId };
        var old = new FeedbackBody(Text: item.Text, Exclude: true) { RowId = item.RowId };
        bool hasAnswer = body.Answer is not null || body.Spans is not null;
        switch (body.Decision)
        {
            case ReviewDecision.Reject:
                return hasAnswer || isOtherText
                    ? ([], "'reject' takes no 'answer', 'spans' or 'text'; to give a right answer say 'edit'")
                    : ([verdict with { Exclude = true }], null);
            case ReviewDecision.Accept:
                return hasAnswer || isOtherText
                        ? ([], "'accept' takes no 'answer', 'spans' or 'text'; to give another answer say 'edit'")
                    : item.Proposed is null
                        ? ([], $"item '{item.Id}' proposes no answer to accept; give one with 'edit'")
                    : ([verdict with { Correction = item.Proposed }], null);
            default:
                (string? answer, string? fault) = AnswerOf(text, body, settings.Task);
                return fault is not null ? ([], fault)
                    // Of a text that was written anew the old one stays out.
                    : isOtherText ? ([verdict with { Correction = answer }, old], null)
                    : ([verdict with { Correction = answer }], null);
        }
    }

    private static (string? Answer, string? Fault) AnswerOf(string text, DecisionBody body, TaskKind task) =>
        (body.Answer, body.Spans) switch
        {
            ({ } answer, null) when !string.IsNullOrWhiteSpace(answer) => (answer, null),
            (null, { } spans) => SpanAnswers.From(text, spans.GetRawText(), task),
            _ => (null, "'edit' needs the right 'answer', or 'spans' with start, end and label"),
        };

    private sealed record Decided(
        DurableTaskClient Client,
        string Project,
        string Item,
        string Reviewer,
        DecisionBody Body
    );
}

/// <summary>A reviewer's decision; a name that it does not know is refused.</summary>
/// <param name="Decision">What is decided.</param>
/// <param name="Answer">For <c>edit</c>, the right answer.</param>
/// <param name="Spans">In its place, spans of the text: a list of <c>{"start", "end", "label"}</c>.</param>
/// <param name="Text">For <c>edit</c>, the text as it should read; the old one is not learned then.</param>
/// <param name="Rule">The rule of the code book that was applied.</param>
/// <param name="Comment">A remark.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record DecisionBody(
    [property: JsonRequired] ReviewDecision Decision,
    string? Answer = null,
    JsonElement? Spans = null,
    string? Text = null,
    string? Rule = null,
    string? Comment = null
);
