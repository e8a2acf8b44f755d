using Pipeline.Contracts;
using Pipeline.Functions.Projects;

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

/// <summary>A run that is to wait.</summary>
/// <param name="Input">The run.</param>
/// <param name="Answers">Answers that are in its dataset.</param>
/// <param name="Now">The orchestration's time, UTC.</param>
public sealed record AnswerWaitToBegin(PipelineInput Input, int Answers, DateTime Now);
