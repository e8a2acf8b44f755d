using System.Text;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Pipeline.Contracts;
using Pipeline.Storage;

namespace Pipeline.Worker.Queue;

/// <summary>
/// Takes lines of progress from the training thread and appends them to the job's blob about once a second.
/// </summary>
internal sealed class ProgressUpload(FencedLog log, string runId, ILogger<TrainingQueueListener> logger)
    : IAsyncDisposable
{
    private const int FrequentAppends = 3600; // an append blob holds 50,000 blocks: after an hour, one each ten seconds
    private static readonly TimeSpan FrequentInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan SparseInterval = TimeSpan.FromSeconds(10);
    private readonly Channel<TrainingProgress> _lines = Channel.CreateUnbounded<TrainingProgress>();
    private Task? _loop;

    public void Start() => _loop = Task.Run(RunAsync);

    public void Add(TrainingProgress line) => _lines.Writer.TryWrite(line);

    public async ValueTask DisposeAsync()
    {
        _lines.Writer.TryComplete();
        if (_loop is not null)
        {
            await _loop;
        }
    }

    private async Task RunAsync()
    {
        for (int appends = 0; await _lines.Reader.WaitToReadAsync(); appends++)
        {
            var text = new StringBuilder();
            while (_lines.Reader.TryRead(out TrainingProgress? line))
            {
                text.Append(ContractJson.Write(line)).Append('\n');
            }

            try
            {
                await log.AppendAsync(Encoding.UTF8.GetBytes(text.ToString()), CancellationToken.None);
            }
            catch (Exception fault)
            {
                // Progress is for watching: training does not stop for it.
                Log.ProgressNotWritten(logger, runId, fault.Message);
            }

            if (!_lines.Reader.Completion.IsCompleted)
            {
                await Task.WhenAny(
                    _lines.Reader.Completion,
                    Task.Delay(appends < FrequentAppends ? FrequentInterval : SparseInterval)
                );
            }
        }
    }
}
