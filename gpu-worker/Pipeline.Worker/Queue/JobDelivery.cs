using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Pipeline.Contracts;
using Pipeline.Model;
using Pipeline.Storage;
using Pipeline.Tokenization.Templates;
using Pipeline.Training.Faults;

namespace Pipeline.Worker.Queue;

/// <summary>
/// One delivery of one job, from its message to its result: decides whether to train, and what each kind of fault does
/// to the job. The lease on the job says that it is this worker's.
/// </summary>
internal sealed class JobDelivery(
    PipelineStorage storage,
    LeasedBlob lease,
    LeaseAndMessageRenewal renewal,
    TrainingJob job,
    JobWorkspace workspace,
    ILogger<TrainingQueueListener> logger
)
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(10);
    private JobState _state = new() { Attempt = job.Attempt };

    /// <summary>Works on the job.</summary>
    /// <param name="request">The message.</param>
    /// <param name="cancellation">The worker shall end; the job writes a checkpoint first and goes back to the
    /// queue.</param>
    public async Task RunAsync(TrainingRequest request, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.Attempt != job.Attempt)
        {
            await renewal.CompleteAsync(cancellation); // of an earlier start of the run, which nobody waits for
            return;
        }

        if (await lease.ReadJsonAsync<JobState>(cancellation) is { } state && state.Attempt == job.Attempt)
        {
            _state = state;
        }

        if (await storage.Files.ExistsAsync(BlobLayout.CancelRequest(job.RunId), cancellation))
        {
            await EndAsync(false, true, "cancelled", cancellation);
        }
        else if (_state.Done)
        {
            await FinishAsync(cancellation); // a worker ended between the adapter and its result
        }
        else if (_state.AttemptsWithoutCheckpoint >= JobState.MaxAttemptsWithoutCheckpoint)
        {
            await EndAsync(
                false,
                false,
                $"{_state.AttemptsWithoutCheckpoint} workers in a row ended with this job without reaching a new "
                    + $"checkpoint. {_state.LastFault ?? "None said why: it may need more memory than they have."}",
                cancellation
            );
        }
        else
        {
            await WorkAsync(cancellation);
        }
    }

    private async Task WorkAsync(CancellationToken cancellation)
    {
        int before = _state.AttemptsWithoutCheckpoint;
        await KeepAsync(_state with { AttemptsWithoutCheckpoint = before + 1 }, cancellation);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, renewal.Stop);
        try
        {
            Log.TrainingStarted(logger, job.RunId, job.Attempt);
            await workspace.WorkAsync(job, lease, OnCheckpointAsync, stop.Token);
            await KeepAsync(_state with { Done = true }, cancellation);
            await FinishAsync(cancellation);
        }
        catch (OperationCanceledException) when (renewal.Cancelled)
        {
            await EndAsync(false, true, "cancelled", CancellationToken.None);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // a worker that is stopped is not a fault of the job
            await KeepAsync(
                _state with
                {
                    AttemptsWithoutCheckpoint = Math.Min(before, _state.AttemptsWithoutCheckpoint),
                },
                CancellationToken.None
            );
            await renewal.ReleaseAsync(TimeSpan.Zero, CancellationToken.None);
        }
        catch (Exception fault)
            when (fault is LeaseLostException
                || (fault is OperationCanceledException && renewal.Stop.IsCancellationRequested)
            )
        {
            Log.JobLost(logger, job.RunId);
        }
        catch (Exception fault)
            when (fault
                    is ModelException
                        or InvalidDataException
                        or TrainingException
                        or ChatTemplateException
                        or UnauthorizedAccessException
                        or (IOException and not HttpIOException)
            )
        {
            await EndAsync(false, false, fault.Message, cancellation); // another worker would come to the same
        }
        catch (Exception fault)
        {
            Log.JobReturned(logger, job.RunId, $"{fault.GetType().Name}: {fault.Message}");
            await KeepAsync(
                _state with
                {
                    LastFault = $"The last fault was {fault.GetType().Name}: {fault.Message}",
                },
                CancellationToken.None
            );
            await renewal.ReleaseAsync(RetryDelay, CancellationToken.None);
        }
    }

    private Task OnCheckpointAsync() =>
        _state.AttemptsWithoutCheckpoint == 0
            ? Task.CompletedTask
            : KeepAsync(_state with { AttemptsWithoutCheckpoint = 0, LastFault = null }, CancellationToken.None);

    private async Task KeepAsync(JobState state, CancellationToken cancellation)
    {
        await lease.WriteJsonAsync(state, cancellation);
        _state = state;
    }

    private async Task FinishAsync(CancellationToken cancellation)
    {
        Debug.Assert(_state.Done, "only a whole adapter is a success");
        await storage.Files.DeletePrefixAsync(
            BlobLayout.JobsContainer,
            BlobLayout.CheckpointPrefix(job.RunId),
            cancellation
        );
        await EndAsync(true, false, null, cancellation);
    }

    /// <summary>
    /// Sends the job's result to its run and removes the message. What a failed job wrote of its adapter is deleted.
    /// </summary>
    private async Task EndAsync(bool succeeded, bool cancelled, string? error, CancellationToken cancellation)
    {
        if (!succeeded && !(await storage.Registry.GetAsync(job.Project, cancellation)).Published.Contains(job.Version))
        {
            await storage.Files.DeletePrefixAsync(
                BlobLayout.AdaptersContainer,
                BlobLayout.AdapterPrefix(job.Project, job.Version),
                cancellation
            );
        }

        await storage.Messages.SendAsync(
            BlobLayout.TrainingResultsQueue,
            new TrainingResult(job.RunId, job.Attempt, succeeded, cancelled, error),
            cancellation
        );
        await renewal.CompleteAsync(cancellation);
        Log.ResultSent(logger, job.RunId, succeeded);
    }
}
