using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Functions.Http;
using Pipeline.Functions.Verdicts;
using Pipeline.Reporting.Pages;

namespace Pipeline.Functions.Retraining;

/// <summary>
/// <c>POST /api/projects/{project}/feedback-links</c>: signs links to an answer, for thumbs in mails and other apps.
/// </summary>
public sealed class PostFeedbackLinks(
    LinkSigner signer,
    VerdictContexts contexts,
    KnownAnswers answers,
    TimeProvider time
)
{
    private const int LongestText = 1_000;
    private const int MaxHours = 24 * 90;

    [Function(nameof(PostFeedbackLinks))]
    public async Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "post", Route = "projects/{project}/feedback-links")]
            HttpRequest request,
        string project,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(request);
        if (!BlobLayout.IsProjectName(project))
        {
            return HttpResults.NoProject(project);
        }

        (FeedbackLinkBody? body, string? fault) = await RequestBody.JsonAsync<FeedbackLinkBody>(request, cancellation);
        if (body is null)
        {
            return HttpResults.BadRequest(fault!);
        }

        ReviewerKey? reviewer;
        try
        {
            VerdictContext context = await contexts.GetAsync(project, cancellation);
            reviewer = context.Keys.Reviewers.FirstOrDefault(r => r.Name == body.Reviewer?.Trim());
            if (await FaultAsync(context, body, reviewer, cancellation) is { } wrong)
            {
                return HttpResults.BadRequest(wrong);
            }
        }
        catch (DatasetException unreadable)
        {
            return HttpResults.BadRequest(unreadable.Message);
        }

        DateTimeOffset expires = time.GetUtcNow().AddHours(body.Hours);
        string address = $"{request.Scheme}://{request.Host}{request.PathBase}/api/verdicts/";
        string TokenOf(int score) => signer.Sign(LinkOf(project, body, reviewer, score), expires);
        return TypedResults.Ok(
            new
            {
                up = address + TokenOf(1),
                down = address + TokenOf(-1),
                expires,
            }
        );
    }

    private static VerdictLink LinkOf(string project, FeedbackLinkBody body, ReviewerKey? reviewer, int score) =>
        new(project, score, body.AnswerId, body.Text, body.Answer, body.AdapterVersion, reviewer?.Name)
        {
            KeyIssuedAt = reviewer?.IssuedAt,
        };

    private async Task<string?> FaultAsync(
        VerdictContext context,
        FeedbackLinkBody body,
        ReviewerKey? reviewer,
        CancellationToken cancellation
    )
    {
        string project = context.Registry.Project;
        if (body.Hours is < 1 or > MaxHours)
        {
            return $"'hours' is {body.Hours}; use 1 to {MaxHours}.";
        }

        if (!string.IsNullOrWhiteSpace(body.Reviewer) && reviewer is null)
        {
            return $"'{project}' has no reviewer '{body.Reviewer}'; add one first.";
        }

        return body.AnswerId is { } id
            ? await answers.FindAsync(context.Registry, id, cancellation) is null
                ? $"'{project}' has given no answer '{id}'."
                : null
            : string.IsNullOrWhiteSpace(body.Text)
                ? "Give 'answerId', or 'text', the text that was answered."
                : body.Text.Length + (body.Answer?.Length ?? 0) > LongestText
                    ? $"'text' and 'answer' may have {LongestText} characters together in a link; give 'answerId'."
                    : null;
    }
}

/// <summary>What links are to be signed for.</summary>
/// <param name="AnswerId">The answer.</param>
/// <param name="Text">The text that was answered, where the answer has no id.</param>
/// <param name="Answer">The answer to it.</param>
/// <param name="AdapterVersion">The version that answered.</param>
/// <param name="Reviewer">A reviewer of the project, whom the link names; <c>null</c>: nobody.</param>
/// <param name="Hours">How long the links can be used.</param>
public sealed record FeedbackLinkBody(
    string? AnswerId = null,
    string? Text = null,
    string? Answer = null,
    string? AdapterVersion = null,
    string? Reviewer = null,
    int Hours = 24 * 14
);

/// <summary>
/// <c>GET /api/verdicts/{token}</c>: the page behind a signed link, which asks to confirm the verdict: programs that
/// follow links in mails give none. <c>POST</c> is its form.
/// </summary>
public sealed class VerdictLinks(
    LinkSigner signer,
    VerdictContexts contexts,
    KnownAnswers answers,
    VerdictIntake intake
)
{
    private const string Policy =
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    private const string Ended =
        "This link cannot be used (any more): it was changed on the way, its time is over, or whom it names has "
        + "another key. Ask whoever sent it for another.";

    [Function("GetVerdictLink")]
    public async Task<IResult> GetAsync(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "verdicts/{token}")] HttpRequest request,
        string token,
        CancellationToken cancellation
    )
    {
        if (await ReadAsync(token, cancellation) is not (VerdictLink link, VerdictContext context))
        {
            return Page(VerdictPage.Message("Your verdict", Ended));
        }

        AnswerRecord? answer = link.AnswerId is { } id
            ? await answers.FindAsync(context.Registry, id, cancellation)
            : null;
        return Page(
            VerdictPage.Form(link.Score > 0, answer?.Text ?? link.Text ?? "", answer?.Answer ?? link.Answer ?? "")
        );
    }

    [Function("PostVerdictLink")]
    public async Task<IResult> PostAsync(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "verdicts/{token}")] HttpRequest request,
        string token,
        [DurableClient] DurableTaskClient client,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(request);
        if (await ReadAsync(token, cancellation) is not (VerdictLink link, _))
        {
            return Page(VerdictPage.Message("Your verdict", Ended));
        }

        IFormCollection? form;
        try
        {
            form = request.HasFormContentType ? await request.ReadFormAsync(cancellation) : null;
        }
        catch (InvalidDataException fault)
        {
            return Page(VerdictPage.Message("Not kept", fault.Message));
        }

        string? Field(string name) => form?[name].ToString() is { Length: > 0 } value ? value : null;
        VerdictOutcome outcome = await intake.TakeAsync(
            client,
            link.Project,
            new FeedbackBody(
                link.AnswerId,
                link.Text,
                link.Answer,
                AdapterVersion: link.AdapterVersion,
                Score: link.Score,
                Correction: Field("correction"),
                Comment: Field("comment")
            ),
            new ReviewerClaim(link.Reviewer, link.Reviewer is not null),
            cancellation
        );
        return Page(
            outcome.Verdict is not null
                ? VerdictPage.Message(
                    "Thank you",
                    "Your verdict is kept. You can close this page; the last one counts."
                )
                : VerdictPage.Message("Not kept", outcome.Fault ?? outcome.Limit ?? "")
        );
    }

    /// <summary>A link that can be used, and the project as it is now; <c>null</c>: it ended.</summary>
    private async Task<(VerdictLink Link, VerdictContext Context)?> ReadAsync(
        string token,
        CancellationToken cancellation
    )
    {
        if (signer.Read(token) is not { } link)
        {
            return null;
        }

        try
        {
            VerdictContext context = await contexts.GetAsync(link.Project, cancellation);
            bool isOfNow =
                link.Reviewer is null
                || context.Keys.Reviewers.Any(r => r.Name == link.Reviewer && r.IssuedAt == link.KeyIssuedAt);
            return isOfNow ? (link, context) : null;
        }
        catch (DatasetException)
        {
            return null; // the project's settings cannot be read: whoever runs it hears of that elsewhere
        }
    }

    private static IResult Page(string html) => HttpResults.FormPage(html, Policy);
}
