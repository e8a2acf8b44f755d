using System.Collections.Concurrent;

namespace Pipeline.LocalHost.Durable;

/// <summary>
/// Runs an orchestrator's continuations on the thread of its turn, one after the other. What another thread asks for comes
/// from an await that is not the context's.
/// </summary>
internal sealed class OrchestrationPump(Action onStray) : SynchronizationContext
{
    private readonly ConcurrentQueue<(SendOrPostCallback Callback, object? State)> _queue = new();
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private bool _closed;

    public override void Post(SendOrPostCallback d, object? state)
    {
        if (_closed || Environment.CurrentManagedThreadId != _thread)
        {
            onStray();
            return;
        }

        _queue.Enqueue((d, state));
    }

    public override void Send(SendOrPostCallback d, object? state)
    {
        ArgumentNullException.ThrowIfNull(d);
        d(state);
    }

    /// <summary>Runs something and all that follows from it without waiting.</summary>
    public void Run(Action action)
    {
        SynchronizationContext? before = Current;
        SetSynchronizationContext(this);
        try
        {
            action();
            while (_queue.TryDequeue(out (SendOrPostCallback Callback, object? State) next))
            {
                next.Callback(next.State);
            }
        }
        finally
        {
            SetSynchronizationContext(before);
        }
    }

    /// <summary>The turn is over: nothing of it may go on.</summary>
    public void Close() => _closed = true;
}
