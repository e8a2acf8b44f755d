using Pipeline.Contracts;

namespace Pipeline.Worker.Jobs;

/// <summary>Stages, their seconds, and a line of progress for whoever listens.</summary>
public sealed class ProgressLog(
    TimeProvider time,
    Action<TrainingProgress> listener,
    IReadOnlyList<TrainingProgress>? earlier = null
)
{
    private readonly Dictionary<RunStage, double> _seconds = [];
    private readonly List<TrainingProgress> _lines = [.. earlier ?? []];

    /// <summary>Wall seconds by stage so far.</summary>
    public IReadOnlyDictionary<string, double> SecondsPerStage =>
        _seconds.ToDictionary(s => s.Key.Name(), s => s.Value, StringComparer.Ordinal);

    /// <summary>Every line so far, those of workers that had the job before too.</summary>
    public IReadOnlyList<TrainingProgress> Lines => _lines;

    /// <summary>Runs a stage and takes its time.</summary>
    public T Stage<T>(RunStage stage, int total, Func<T> work)
    {
        ArgumentNullException.ThrowIfNull(work);
        Report(
            new TrainingProgress
            {
                Stage = stage,
                At = time.GetUtcNow(),
                Done = 0,
                Total = total,
            }
        );
        long started = time.GetTimestamp();
        try
        {
            return work();
        }
        finally
        {
            _seconds[stage] = Math.Round(time.GetElapsedTime(started).TotalSeconds, 3);
        }
    }

    /// <summary>Passes a line on.</summary>
    public void Report(TrainingProgress line)
    {
        _lines.Add(line);
        listener(line);
    }

    /// <summary>Rows or steps done in a stage.</summary>
    public void Report(RunStage stage, int done, int total) =>
        Report(
            new TrainingProgress
            {
                Stage = stage,
                At = time.GetUtcNow(),
                Done = done,
                Total = total,
            }
        );

    public DateTimeOffset Now() => time.GetUtcNow();
}
