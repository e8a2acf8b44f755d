using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask;
using Pipeline.Functions.Activities;

namespace Pipeline.Functions.Orchestrations;

/// <summary>Raw file to dataset.</summary>
public static class DatasetGeneration
{
    public const string Name = nameof(DatasetGeneration);

    [Function(Name)]
    public static async Task<DatasetOutput> Run([OrchestrationTrigger] TaskOrchestrationContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return await context.CallActivityAsync<DatasetOutput>(BuildDataset.Name, context.GetInput<PipelineInput>(), Retries.Storage);
    }
}
