using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask;
using Pipeline.Contracts;
using Pipeline.Functions.Durable;
using Pipeline.Functions.Runs;

namespace Pipeline.Functions.Retraining;

/// <summary>Corrections that wait, and the rows of the last run, to a new adapter.</summary>
public static class RetrainProject
{
    /// <summary>As histories of runs that are under way have it.</summary>
    public const string Name = "Retraining";

    [Function(Name)]
    public static async Task<PipelineOutput?> Run(
        [OrchestrationTrigger] TaskOrchestrationContext context,
        RetrainingInput input
    )
    {
        ArgumentNullException.ThrowIfNull(context);
        RetrainingPlan? plan = await context.CallActivityAsync<RetrainingPlan?>(
            PrepareRetraining.Name,
            input,
            Retries.TransientFaults
        );
        if (plan is null)
        {
            return null;
        }

        PipelineOutput output = await context.CallSubOrchestratorAsync<PipelineOutput>(
            AdapterPipeline.Name,
            plan.Run,
            Instances.Sub(plan.Run.RunId)
        );
        await context.CallActivityAsync(
            NoteUsedFeedback.Name,
            new UsedFeedback(plan.Run.Project, plan.Through, plan.Feedback),
            Retries.TransientFaults
        );
        return output;
    }
}

/// <summary>What a retraining is about.</summary>
public sealed record RetrainingInput(string Project, RunTrigger Trigger);
