using System.Reflection;
using DurableTask.Core;

namespace Pipeline.LocalHost.Durable;

/// <summary>
/// An orchestration service, unchanged but for one thing: after a work item that failed, the dispatcher goes on after a
/// second. DurableTask.AzureStorage asks for ten seconds after each of the next five items, which with fifty runs and
/// an unsteady storage is nearly always; meanwhile the messages in memory outlive their visibility timeout, are read
/// again and again, and each reading doubles the time for which a failure hides them (up to ten minutes).
/// </summary>
/// <remarks>A proxy rather than a class of thirty members that pass calls on; the service itself is sealed.</remarks>
public class ShortPauses : DispatchProxy
{
    private const int Seconds = 1;
    private IOrchestrationService? _service;

    /// <summary>The service with short pauses.</summary>
    /// <param name="service">What does the work.</param>
    public static IOrchestrationService Over(IOrchestrationService service)
    {
        IOrchestrationService proxy = Create<IOrchestrationService, ShortPauses>();
        ((ShortPauses)proxy)._service = service;
        return proxy;
    }

    /// <inheritdoc />
    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) =>
        targetMethod!.Name
            is nameof(IOrchestrationService.GetDelayInSecondsAfterOnProcessException)
                or nameof(IOrchestrationService.GetDelayInSecondsAfterOnFetchException)
            ? Seconds
            : targetMethod.Invoke(_service, BindingFlags.DoNotWrapExceptions, null, args, null);
}
