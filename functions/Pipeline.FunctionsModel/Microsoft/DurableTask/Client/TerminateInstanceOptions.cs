namespace Microsoft.DurableTask.Client;

/// <summary>How an orchestration is stopped.</summary>
/// <param name="Output">What stands as its output.</param>
/// <param name="Recursive">Whether those that it waits for are stopped too.</param>
public record TerminateInstanceOptions(object? Output = null, bool Recursive = false);
