using Pipeline.Training;
using Pipeline.Training.Stepping;

namespace Pipeline.GpuWorker.Tests.Training;

/// <summary>The steps of a run, which is stopped from outside after one of them.</summary>
/// <param name="after">That step; <see cref="int.MaxValue"/>: none.</param>
internal sealed class StoppedRun(int after) : IDisposable
{
    private readonly CancellationTokenSource _stop = new();

    public List<TrainingStep> Steps { get; } = [];

    /// <summary>What a run calls for each step.</summary>
    public void Add(TrainingStep step)
    {
        Steps.Add(step);
        if (step.Step == after)
        {
            _stop.Cancel();
        }
    }

    /// <summary>Trains until the end, or until it is stopped.</summary>
    /// <returns><c>null</c>: it was stopped.</returns>
    public TrainingOutcome? Train(TrainingRun run)
    {
        try
        {
            return TrainingLoop.Train(run, _stop.Token);
        }
        catch (OperationCanceledException)
        {
            Assert.NotEqual(int.MaxValue, after);
            return null;
        }
    }

    public void Dispose() => _stop.Dispose();
}
