using System.Globalization;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Pipeline.Contracts;
using Pipeline.Functions.Durable;
using Pipeline.Functions.Projects;
using Pipeline.Functions.Verdicts;
using Pipeline.Storage;

namespace Pipeline.Functions.Datasets;

/// <summary>How a run on texts without answers waits for people.</summary>
/// <param name="Until">Its deadline, UTC.</param>
/// <param name="AtDeadline">What becomes of the run then.</param>
/// <param name="IsEnough">Whether enough were given since its dataset was made, so that it does not wait.</param>
/// <param name="SourceSha256">The hash of its raw file; <c>null</c>: it is gone.</param>
public sealed record AnswerWait(DateTime Until, DeadlinePolicy AtDeadline, bool IsEnough, string? SourceSha256 = null)
{
    /// <summary>The event that enough texts have an answer.</summary>
    public const string Given = "AnswersGiven";
}

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
            $"{wait.Answers:N0} of {review.Rows:N0} texts have an answer that can be learned, of a reviewer with a key; "
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

/// <summary>A run that is to wait.</summary>
/// <param name="Input">The run.</param>
/// <param name="Answers">Answers that are in its dataset.</param>
/// <param name="Now">The orchestration's time, UTC.</param>
public sealed record AnswerWaitToBegin(PipelineInput Input, int Answers, DateTime Now);

/// <summary>Gives a run that has waited for people the answers that there are.</summary>
public sealed class EndAnswerWait(
    PipelineStorage storage,
    ProjectReader projects,
    CorrectionBatches corrections,
    TimeProvider time
)
{
    public const string Name = nameof(EndAnswerWait);

    [Function(Name)]
    public async Task<string?> Run([ActivityTrigger] PipelineInput input, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(input);
        ProjectSettings settings = await projects.SettingsAsync(input, cancellation);
        string? batch = (await corrections.WriteAsync(input.Project, settings, cancellation))?.Name;
        await storage.Runs.UpdateAsync(
            input.RunId,
            r =>
                r.IsUnderWay
                    ? r with
                    {
                        State = RunState.Running,
                        Error = null,
                        FeedbackBatch = batch,
                        UpdatedAt = time.GetUtcNow(),
                    }
                    : r,
            cancellation
        );
        return batch;
    }
}

/// <summary>Tells the runs of a project that wait for people that enough texts have an answer.</summary>
public sealed class AnswerBell(PipelineStorage storage, ProjectReader projects, CorrectionBatches corrections)
{
    /// <summary>Tells those that have enough.</summary>
    /// <returns>The first of them; <c>null</c>: none.</returns>
    public async Task<string?> RingAsync(DurableTaskClient client, string project, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(client);
        string? first = null;
        foreach (
            RunRecord run in (await storage.Runs.ListAsync(project, cancellation)).Where(r =>
                r.State == RunState.NeedsLabels
            )
        )
        {
            var input = new PipelineInput(run.RunId, project, run.Source, run.FeedbackBatch, run.Trigger);
            ProjectSettings settings = await projects.SettingsAsync(input, cancellation); // those that the run keeps
            if (
                await corrections.CountAsync(project, settings, cancellation) >= settings.Review.Rows
                && await client.TryRaiseEventAsync(
                    DatasetGeneration.InstanceOf(run.RunId),
                    AnswerWait.Given,
                    "enough",
                    cancellation
                )
            )
            {
                first ??= run.RunId;
            }
        }

        return first;
    }
}
