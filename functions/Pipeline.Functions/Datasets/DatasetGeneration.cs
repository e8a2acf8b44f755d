using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask;
using Pipeline.Functions.Durable;
using Pipeline.Functions.Projects;

namespace Pipeline.Functions.Datasets;

/// <summary>
/// Raw file to dataset: planned in one reading, its parts validated side by side, put together at the end.
/// </summary>
public static class DatasetGeneration
{
    public const string Name = nameof(DatasetGeneration);

    [Function(Name)]
    public static async Task<DatasetOutput> Run(
        [OrchestrationTrigger] TaskOrchestrationContext context,
        PipelineInput input
    )
    {
        ArgumentNullException.ThrowIfNull(context);
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
