using System.Globalization;
using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Functions.Projects;
using Pipeline.Functions.Verdicts;
using Pipeline.Storage;

namespace Pipeline.Functions.Datasets;

/// <summary>Notes that a run waits for people, or finds that it need not.</summary>
public sealed class BeginAnswerWait(
    PipelineStorage storage,
    ProjectReader projects,
    CorrectionBatches corrections,
    TimeProvider time
)
{
    public const string Name = nameof(BeginAnswerWait);

    [Function(Name)]
    public async Task<AnswerWait> Run([ActivityTrigger] AnswerWaitToBegin wait, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(wait);
        PipelineInput input = wait.Input;
        ProjectSettings settings = await projects.SettingsAsync(input, cancellation);
        ReviewSettings review = settings.Review;
        DateTime until = input.AnswersUntil ?? wait.Now.AddHours(review.WaitHours);
        string then = review.AtDeadline == DeadlinePolicy.Stop ? "it stops" : "it trains on those that have an answer";
        string state = string.Create(
            CultureInfo.InvariantCulture,
            $"{wait.Answers:N0} of {review.Rows:N0} texts have an answer of a reviewer with a key that can be learned; "
                + $"people give them in the review queue. At {until:yyyy-MM-dd HH:mm} UTC {then}."
        );
        // Noted before the answers are counted: one that comes between finds a run that waits, and rings.
        await storage.Runs.UpdateAsync(
            input.RunId,
            r =>
                r.State == RunState.Running
                    ? r with
                    {
                        State = RunState.NeedsLabels,
                        Error = state,
                        UpdatedAt = time.GetUtcNow(),
                    }
                    : r,
            cancellation
        );
        CorrectionBatch? batch = await corrections.WriteAsync(input.Project, settings, cancellation);
        return new AnswerWait(
            until,
            review.AtDeadline,
            // The dataset was made of these very answers, and did not count them as enough: more must come.
            batch?.Named >= review.Rows
                && batch.Name != input.FeedbackBatch,
            await storage.Files.HashAsync(BlobLayout.Raw(input.Project, input.Source), cancellation)
        );
    }
}
