using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask;
using Pipeline.Functions.Activities;

namespace Pipeline.Functions.Orchestrations;

/// <summary>Corrections that wait, and the rows of the last run, to a new adapter.</summary>
public static class Retraining
{
    public const string Name = nameof(Retraining);

    [Function(Name)]
    public static async Task<PipelineOutput?> Run([OrchestrationTrigger] TaskOrchestrationContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        PipelineInput? run = await context.CallActivityAsync<PipelineInput?>(PrepareRetraining.Name, context.GetInput<RetrainingInput>(), Retries.Storage);
        return run is null ? null : await context.CallSubOrchestratorAsync<PipelineOutput>(AdapterPipeline.Name, run, new SubOrchestrationOptions(null, run.RunId));
    }
}
