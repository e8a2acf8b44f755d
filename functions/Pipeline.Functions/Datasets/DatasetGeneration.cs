using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask;
using Pipeline.Contracts;
using Pipeline.Functions.Durable;
using Pipeline.Functions.Projects;

namespace Pipeline.Functions.Datasets;

/// <summary>
/// Raw file to dataset: planned in one reading, its parts validated side by side, put together at the end.
/// </summary>
public static class DatasetGeneration
{
    public const string Name = nameof(DatasetGeneration);

    /// <summary>The instance that builds a run's dataset.</summary>
    public static string InstanceOf(string runId) => runId + "-dataset";

    [Function(Name)]
    public static async Task<DatasetOutput> Run(
        [OrchestrationTrigger] TaskOrchestrationContext context,
        PipelineInput input
    )
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(input);
        DatasetOutput made = await BuildAsync(context, input);
        // A retraining has its corrections in its id, and is the project's only one: it takes what there is.
        return made.NeedsAnswers && input is { TrainsOnFewer: false, IsRetraining: false, RunId.Length: > 0 }
            ? await AwaitAnswersAsync(context, input, made)
            : made;
    }

    /// <summary>
    /// Waits until people have answered enough texts, or to the deadline, and begins anew with their answers.
    /// </summary>
    private static async Task<DatasetOutput> AwaitAnswersAsync(
        TaskOrchestrationContext context,
        PipelineInput input,
        DatasetOutput made
    )
    {
        Task<string> given = context.WaitForExternalEvent<string>(AnswerWait.Given);
        AnswerWait wait = await context.CallActivityAsync<AnswerWait>(
            BeginAnswerWait.Name,
            new AnswerWaitToBegin(input, made.Answers, context.CurrentUtcDateTime),
            Retries.TransientFaults
        );
        bool isOver = false;
        if (!wait.IsEnough)
        {
            using var stop = new CancellationTokenSource();
            Task deadline = context.CreateTimer(wait.Until, stop.Token);
            isOver = await Task.WhenAny(given, deadline) == deadline;
            stop.Cancel();
        }

        if (isOver && wait.AtDeadline == DeadlinePolicy.Stop)
        {
            return made with
            {
                NeedsAnswers = false,
                Fault =
                    "It has waited for people to its deadline (review.waitHours), and too few texts have an answer. "
                    + "Resume it to wait again; with review.atDeadline: train it would go on with what there is.",
            };
        }

        string? batch = await context.CallActivityAsync<string?>(EndAnswerWait.Name, input, Retries.TransientFaults);
        context.ContinueAsNew(
            input with
            {
                FeedbackBatch = batch,
                AnswersUntil = wait.Until,
                TrainsOnFewer = isOver,
                SourceSha256 = wait.SourceSha256,
            }
        );
        return null!;
    }

    private static async Task<DatasetOutput> BuildAsync(TaskOrchestrationContext context, PipelineInput input)
    {
        DatasetPlanned planned = await context.CallActivityAsync<DatasetPlanned>(
            PlanDataset.Name,
            new DatasetToPlan(input, context.InstanceId),
            Retries.TransientFaults
        );
        if (planned.Fault is not null)
        {
            return new DatasetOutput(planned.DatasetId, planned.Fault, planned.NeedsSettings);
        }

        // Each step can be made again, also when it was done and only its word was lost: the parts go last.
        try
        {
            string?[] faults = await Task.WhenAll(
                Enumerable
                    .Range(0, planned.Parts)
                    .Select(part =>
                        context.CallActivityAsync<string?>(
                            BuildDatasetPart.Name,
                            new DatasetPartInput(planned, part),
                            Retries.TransientFaults
                        )
                    )
            );
            string? fault = faults.FirstOrDefault(f => f is not null);
            for (bool whole = !planned.HasSynthesis; fault is null && !whole; )
            {
                (whole, fault) = await context.CallActivityAsync<SynthesisTurn>(
                    SynthesizeRows.Name,
                    planned,
                    Retries.TransientFaults
                );
            }

            return fault is not null
                ? new DatasetOutput("", fault)
                : await context.CallActivityAsync<DatasetOutput>(
                    AssembleDataset.Name,
                    planned,
                    Retries.TransientFaults
                );
        }
        finally
        {
            await context.CallActivityAsync(RemoveDatasetParts.Name, planned, Retries.TransientFaults);
        }
    }
}
