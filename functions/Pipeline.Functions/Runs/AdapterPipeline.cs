using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask;
using Pipeline.Contracts;
using Pipeline.Functions.Datasets;
using Pipeline.Functions.Durable;
using Pipeline.Functions.Notices;
using Pipeline.Functions.Projects;
using Pipeline.Functions.Publishing;
using Pipeline.Functions.Training;

namespace Pipeline.Functions.Runs;

/// <summary>Raw file to published adapter.</summary>
public static class AdapterPipeline
{
    public const string Name = nameof(AdapterPipeline);

    [Function(Name)]
    public static async Task<PipelineOutput> Run(
        [OrchestrationTrigger] TaskOrchestrationContext context,
        PipelineInput input
    )
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(input);
        try
        {
            DatasetOutput dataset = await context.CallSubOrchestratorAsync<DatasetOutput>(
                DatasetGeneration.Name,
                input,
                Instances.Sub(DatasetGeneration.InstanceOf(input.RunId))
            );
            ThrowIfFaulty(dataset);

            string attempt = context.NewGuid().ToString("N");
            var job = new TrainingAttempt(input.RunId, input.Project, dataset.DatasetId, attempt);
            TrainingEnd end = await context.CallSubOrchestratorAsync<TrainingEnd>(
                TrainingWatch.Name,
                new TrainingWait(job, null, -1),
                Instances.Sub(TrainingWatch.InstanceOf(input.RunId))
            );
            if (!end.Result.Succeeded)
            {
                throw new RunFailedException(end.Result.Error ?? "The worker gave no reason.");
            }

            string promotion = await context.CallActivityAsync<string>(
                PublishAdapter.Name,
                job,
                Retries.TransientFaults
            );
            await NotifyAsync(context, input.RunId);
            return new PipelineOutput(
                input.RunId,
                dataset.DatasetId,
                BlobLayout.AdapterPrefix(input.Project, end.Version),
                end.Version,
                promotion
            );
        }
        catch (Exception fault) when (fault is RunFailedException or TaskFailedException)
        {
            await context.CallActivityAsync(
                RecordFailure.Name,
                new RunFailure(input.RunId, Reason(fault), fault is RunFailedException { NeedsSettings: true }),
                Retries.TransientFaults
            );
            await NotifyAsync(context, input.RunId);
            throw;
        }
    }

    private static void ThrowIfFaulty(DatasetOutput dataset)
    {
        if (dataset.Fault is not null)
        {
            throw new RunFailedException(dataset.Fault) { NeedsSettings = dataset.NeedsSettings };
        }
    }

    /// <summary>Tells people that the run has ended; that nobody can be told changes nothing of it.</summary>
    private static async Task NotifyAsync(TaskOrchestrationContext context, string runId)
    {
        try
        {
            await context.CallActivityAsync(NotifyEnd.Name, new EndedRun(runId), Retries.Notices);
        }
        catch (TaskFailedException)
        {
            // stands in the run's row
        }
    }

    private static string Reason(Exception fault)
    {
        if (fault is not TaskFailedException failed)
        {
            return fault.Message;
        }

        TaskFailureDetails details = failed.FailureDetails;
        while (details.InnerFailure is { } inner)
        {
            details = inner; // what the activity said, under the words of those that called it
        }

        return details.ErrorMessage;
    }
}

/// <summary>What a run came to.</summary>
/// <param name="RunId">The run.</param>
/// <param name="DatasetId">Its dataset.</param>
/// <param name="Adapter">The published adapter's blob prefix.</param>
/// <param name="Version">Its version.</param>
/// <param name="Promotion">Whether it is the champion, and why.</param>
public sealed record PipelineOutput(string RunId, string DatasetId, string Adapter, int Version, string Promotion);
