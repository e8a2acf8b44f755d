using Microsoft.DurableTask;

namespace Pipeline.Functions.Durable;

/// <summary>Options for orchestrations that one orchestration starts.</summary>
internal static class Instances
{
    /// <summary>Under an id of its own, without retries: a run that failed is started again by a person.</summary>
    public static SubOrchestrationOptions Sub(string instanceId) => new((TaskRetryOptions?)null, instanceId);
}
