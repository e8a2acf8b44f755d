using Azure.Storage.Queues.Models;
using Pipeline.Contracts;
using Pipeline.Storage;

namespace Pipeline.Worker.Queue;

/// <summary>
/// Keeps a delivery while its job is worked on: renews the message's visibility timeout and the lease on the job, and
/// watches for a cancellation.
/// </summary>
internal sealed class LeaseAndMessageRenewal : IAsyncDisposable
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(2);
    private readonly PipelineStorage _storage;
    private readonly LeasedBlob _lease;
    private readonly VisibilityTimeouts _times;
    private readonly QueueMessage _message;
    private readonly string _runId;
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _ended = new();
    private readonly Task _loop;
    private string _receipt;

    public LeaseAndMessageRenewal(
        PipelineStorage storage,
        LeasedBlob lease,
        VisibilityTimeouts times,
        QueueMessage message,
        string runId
    )
    {
        (_storage, _lease, _times, _message, _runId, _receipt) = (
            storage,
            lease,
            times,
            message,
            runId,
            message.PopReceipt
        );
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
        await _storage.Messages.TryTakeBackAsync(
            BlobLayout.TrainingJobsQueue,
            new SentMessage(_message.MessageId, _receipt),
            cancellation
        );
    }

    /// <summary>Shows the message to other workers.</summary>
    /// <param name="after">When.</param>
    /// <param name="cancellation">Ends the call.</param>
    public async Task ReleaseAsync(TimeSpan after, CancellationToken cancellation)
    {
        await EndAsync();
        _receipt = await _storage.Messages.RenewAsync(
            BlobLayout.TrainingJobsQueue,
            _message,
            _receipt,
            after,
            cancellation
        );
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
        using var timer = new PeriodicTimer(PollInterval);
        long messageRenewed = Environment.TickCount64;
        long leaseRenewed = messageRenewed;
        try
        {
            while (await timer.WaitForNextTickAsync(_ended.Token))
            {
                try
                {
                    if (Environment.TickCount64 - leaseRenewed >= _times.Lease.TotalMilliseconds / 4)
                    {
                        await _lease.RenewAsync(_ended.Token);
                        leaseRenewed = Environment.TickCount64;
                    }

                    if (Environment.TickCount64 - messageRenewed >= _times.Hidden.TotalMilliseconds / 4)
                    {
                        _receipt = await _storage.Messages.RenewAsync(
                            BlobLayout.TrainingJobsQueue,
                            _message,
                            _receipt,
                            _times.Hidden,
                            CancellationToken.None
                        ); // a renewal cut off would leave a receipt that no longer counts
                        messageRenewed = Environment.TickCount64;
                    }

                    if (!Cancelled && await _storage.Files.ExistsAsync(BlobLayout.CancelRequest(_runId), _ended.Token))
                    {
                        Cancelled = true;
                        await _stop.CancelAsync();
                    }
                }
                catch (LeaseLostException)
                {
                    await _stop.CancelAsync(); // the job is another worker's now
                    return;
                }
                catch (Azure.RequestFailedException fault) when (fault.Status is 404 or 400)
                {
                    // The message was renewed and the answer lost, or another worker looks at it: the lease says whose
                    // the job is.
                    messageRenewed = Environment.TickCount64;
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
