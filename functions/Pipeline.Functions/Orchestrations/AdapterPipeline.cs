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

            var job = new JobInput(input.RunId, input.Project, dataset.DatasetId, context.NewGuid().ToString("N"));
            JobHandle handle = await context.CallActivityAsync<JobHandle>(SubmitTraining.Name, job, Retries.Storage);
            TrainingResult result = await WaitForWorker(context, job, handle);
            if (!result.Succeeded)
            {
                throw new RunFailedException(result.Error ?? "The worker gave no reason.");
            }

            string promotion = await context.CallActivityAsync<string>(PublishAdapter.Name, job, Retries.Storage);
            return new PipelineOutput(input.RunId, dataset.DatasetId, BlobLayout.AdapterPrefix(input.Project, handle.Version), handle.Version, promotion);
        }
        catch (Exception fault) when (fault is RunFailedException or TaskFailedException)
        {
            await context.CallActivityAsync(RecordFailure.Name, new RunFailure(input.RunId, Reason(fault)), Retries.Storage);
            throw;
        }
    }

    /// <summary>
    /// Waits for the result of this attempt. Two looks in a row at a job that has not moved end the wait: one alone may
    /// only mean that the host itself was stopped for a while.
    /// </summary>
    private static async Task<TrainingResult> WaitForWorker(TaskOrchestrationContext context, JobInput job, JobHandle handle)
    {
        int linesBefore = -1;
        while (true)
        {
            try
            {
                TrainingResult? result = await context.WaitForExternalEvent<TrainingResult>(TrainingFinished, linesBefore <= 0 ? handle.StartDeadline : handle.HeartbeatDeadline);
                if (result?.Attempt == job.Attempt)
                {
                    return result;
                }
            }
            catch (TaskCanceledException)
            {
                JobPulse pulse = await context.CallActivityAsync<JobPulse>(ReadPulse.Name, job.RunId, Retries.Storage);
                if (pulse.Lines == linesBefore && !pulse.WorkerIsBusy)
                {
                    throw new RunFailedException(pulse.Lines == 0
                        ? $"No worker took the job within twice {handle.StartDeadline}. Is one running? In Azure, look at the container job's executions: a GPU may not have been had."
                        : $"The worker has been silent for {handle.HeartbeatDeadline}. Start the run again to go on from its checkpoint.");
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
