using System.Text;
using System.Threading.Channels;
using Pipeline.Contracts;
using Pipeline.Storage;

namespace Pipeline.Worker.Queue;

/// <summary>Takes lines of progress from the training thread and appends them to the job's blob about once a second.</summary>
internal sealed class ProgressUpload(PipelineStorage storage, string runId) : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
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
        while (await _lines.Reader.WaitToReadAsync())
        {
            var text = new StringBuilder();
            while (_lines.Reader.TryRead(out TrainingProgress? line))
            {
                text.Append(ContractJson.Write(line)).Append('\n');
            }

            try
            {
                await storage.Files.AppendAsync(BlobLayout.Progress(runId), Encoding.UTF8.GetBytes(text.ToString()), CancellationToken.None);
            }
            catch (Azure.RequestFailedException fault)
            {
                // Progress is for watching: training does not stop for it.
                await Console.Error.WriteLineAsync($"progress of {runId} not written: {fault.Message}");
            }

            if (!_lines.Reader.Completion.IsCompleted)
            {
                await Task.Delay(Interval);
            }
        }
    }
}
