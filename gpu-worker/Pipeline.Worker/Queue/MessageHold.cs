using Azure.Storage.Queues.Models;
using Pipeline.Contracts;
using Pipeline.Storage;

namespace Pipeline.Worker.Queue;

/// <summary>Keeps a message hidden while its job is worked on, and watches for the wish to cancel.</summary>
internal sealed class MessageHold : IAsyncDisposable
{
    public static readonly TimeSpan Hidden = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Renewal = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(2);
    private readonly PipelineStorage _storage;
    private readonly QueueMessage _message;
    private readonly string _runId;
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _ended = new();
    private readonly Task _loop;
    private string _receipt;

    public MessageHold(PipelineStorage storage, QueueMessage message, string runId)
    {
        (_storage, _message, _runId, _receipt) = (storage, message, runId, message.PopReceipt);
        _loop = Task.Run(RunAsync);
    }

    /// <summary>Set when the job shall stop: it was cancelled, or another worker has taken it.</summary>
    public CancellationToken Stop => _stop.Token;

    /// <summary>Whether the run was cancelled.</summary>
    public bool Cancelled { get; private set; }

    /// <summary>Removes the message: the job is done.</summary>
    public async Task CompleteAsync(CancellationToken cancellation)
    {
        await EndAsync();
        await _storage.Messages.DeleteAsync(BlobLayout.TrainingJobsQueue, _message.MessageId, _receipt, cancellation);
    }

    /// <summary>Shows the message to other workers at once.</summary>
    public async Task ReleaseAsync(CancellationToken cancellation)
    {
        await EndAsync();
        _receipt = await _storage.Messages.RenewAsync(BlobLayout.TrainingJobsQueue, _message, _receipt, TimeSpan.Zero, cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        _stop.Dispose();
        _ended.Dispose();
    }

    private async Task EndAsync()
    {
        await _ended.CancelAsync();
        await _loop;
    }

    private async Task RunAsync()
    {
        using var timer = new PeriodicTimer(Look);
        long renewed = Environment.TickCount64;
        try
        {
            while (await timer.WaitForNextTickAsync(_ended.Token))
            {
                try
                {
                    if (!Cancelled && await _storage.Files.ExistsAsync(BlobLayout.CancelRequest(_runId), _ended.Token))
                    {
                        Cancelled = true;
                        await _stop.CancelAsync();
                    }

                    if (Environment.TickCount64 - renewed >= Renewal.TotalMilliseconds)
                    {
                        _receipt = await _storage.Messages.RenewAsync(BlobLayout.TrainingJobsQueue, _message, _receipt, Hidden, CancellationToken.None); // a renewal cut off would leave a receipt that no longer counts
                        renewed = Environment.TickCount64;
                    }
                }
                catch (Azure.RequestFailedException fault) when (fault.Status is 404 or 400 or 403)
                {
                    await _stop.CancelAsync(); // the message is another worker's now, or gone
                    return;
                }
                catch (Exception) when (!_ended.IsCancellationRequested)
                {
                    // storage is away for a moment: the SDK has retried, the next look tries again
                }
            }
        }
        catch (OperationCanceledException) when (_ended.IsCancellationRequested)
        {
            // the job has ended
        }
    }
}
