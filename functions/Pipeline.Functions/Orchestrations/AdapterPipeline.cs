using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask;
using Pipeline.Contracts;
using Pipeline.Functions.Activities;

namespace Pipeline.Functions.Orchestrations;

/// <summary>Raw file to published adapter.</summary>
public static class AdapterPipeline
{
    public const string Name = nameof(AdapterPipeline);

    /// <summary>The event with which a worker's result comes in.</summary>
    public const string TrainingFinished = nameof(TrainingFinished);

    [Function(Name)]
    public static async Task<PipelineOutput> Run([OrchestrationTrigger] TaskOrchestrationContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        PipelineInput input = context.GetInput<PipelineInput>()!;
        try
        {
            DatasetOutput dataset = await context.CallSubOrchestratorAsync<DatasetOutput>(DatasetGeneration.Name, input, new SubOrchestrationOptions(null, input.RunId + "-dataset"));
            if (dataset.Fault is not null)
            {
                throw new RunFailedException(dataset.Fault);
            }

            JobHandle job = await context.CallActivityAsync<JobHandle>(SubmitTraining.Name, new JobInput(input.RunId, input.Project, dataset.DatasetId), Retries.Storage);
            TrainingResult result = await WaitForWorker(context, input.RunId, job);
            if (!result.Succeeded)
            {
                throw new RunFailedException(result.Error ?? "The worker gave no reason.");
            }

            string promotion = await context.CallActivityAsync<string>(PublishAdapter.Name, new JobInput(input.RunId, input.Project, dataset.DatasetId), Retries.Storage);
            return new PipelineOutput(input.RunId, dataset.DatasetId, BlobLayout.AdapterPrefix(input.Project, job.Version), job.Version, promotion);
        }
        catch (Exception fault) when (fault is RunFailedException or TaskFailedException)
        {
            await context.CallActivityAsync(RecordFailure.Name, new RunFailure(input.RunId, Reason(fault)), Retries.Storage);
            throw;
        }
    }

    /// <summary>Waits for the result. A job that nobody takes, or a worker that falls silent, ends the wait.</summary>
    private static async Task<TrainingResult> WaitForWorker(TaskOrchestrationContext context, string runId, JobHandle job)
    {
        int linesBefore = -1;
        while (true)
        {
            try
            {
                TrainingResult? result = await context.WaitForExternalEvent<TrainingResult>(TrainingFinished, linesBefore < 0 ? job.StartDeadline : job.HeartbeatDeadline);
                return result ?? throw new RunFailedException("The worker sent an empty result.");
            }
            catch (TaskCanceledException)
            {
                JobPulse pulse = await context.CallActivityAsync<JobPulse>(ReadPulse.Name, runId, Retries.Storage);
                if (pulse.Lines == 0)
                {
                    throw new RunFailedException($"No worker took the job within {job.StartDeadline}. Is one running? In Azure, look at the container job's executions: a GPU may not have been had.");
                }

                if (pulse.Lines == linesBefore)
                {
                    throw new RunFailedException($"The worker has been silent for {job.HeartbeatDeadline}. The job is still on the queue; start the run again to go on from its checkpoint.");
                }

                linesBefore = pulse.Lines;
            }
        }
    }

    private static string Reason(Exception fault)
    {
        if (fault is not TaskFailedException failed)
        {
            return fault.Message;
        }

        TaskFailureDetails details = failed.FailureDetails;
        while (details.InnerFailure is { } inner && details.ErrorType == typeof(TaskFailedException).FullName)
        {
            details = inner;
        }

        return details.ErrorMessage;
    }
}
