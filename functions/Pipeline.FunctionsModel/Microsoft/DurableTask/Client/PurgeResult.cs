namespace Microsoft.DurableTask.Client;

/// <summary>What a purge removed.</summary>
public class PurgeResult(int count)
{
    /// <summary>Instances removed.</summary>
    public int PurgedInstanceCount { get; } = count;
}
