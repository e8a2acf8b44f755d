using System.Diagnostics;
using Pipeline.Training.Batching;
using Pipeline.Training.Faults;

namespace Pipeline.Training.Stepping;

/// <summary>The step that was taken last, until its numbers are known: they are checked and reported once.</summary>
internal sealed class PendingStep(TrainingRun run, StepEngine engine, int total, long tokensBefore) : IDisposable
{
    private readonly FirstStepCheck _first = new(run.Trained);
    private readonly long _started = Stopwatch.GetTimestamp();
    private BegunStep? _last;

    /// <summary>Tokens a second since this process began to train, of the steps whose numbers are known.</summary>
    public double TokensPerSecond { get; private set; }

    /// <summary>
    /// Takes a step, and settles the one before; where the engine does not run ahead, or the first step must be looked
    /// at, this one too.
    /// </summary>
    /// <param name="batches">Its micro-batches.</param>
    /// <param name="dropoutSeed">Seed of what is dropped.</param>
    /// <param name="rate">Its learning rate.</param>
    /// <param name="tokens">Tokens seen with it.</param>
    /// <exception cref="TrainingException">A loss or norm was not a number, or the first step moved
    /// nothing.</exception>
    public void BeginStep(IReadOnlyList<EncodedRow[]> batches, uint dropoutSeed, double rate, long tokens)
    {
        IStepNumbers numbers = engine.Step(batches, dropoutSeed, rate, _first);
        var begun = new BegunStep(numbers, engine.Steps, batches, rate, tokens);
        try
        {
            CompleteStep();
        }
        finally
        {
            _last = begun;
        }

        if (!engine.RunsAhead || !_first.IsDone)
        {
            CompleteStep();
        }
    }

    /// <summary>Waits for the last step's numbers, checks and reports them.</summary>
    /// <exception cref="TrainingException">A loss or norm was not a number, or the first step moved
    /// nothing.</exception>
    public void CompleteStep()
    {
        if (_last is not { } step)
        {
            return;
        }

        _last = null;
        using IStepNumbers numbers = step.Numbers;
        (double loss, double norm) = numbers.Read();
        RequireFinite(step, loss, norm);
        if (!_first.IsDone)
        {
            engine.CopyToHost();
            _first.Require(step.Step, step.Rate, norm);
        }

        TokensPerSecond = (step.Tokens - tokensBefore) / Stopwatch.GetElapsedTime(_started).TotalSeconds;
        run.OnStep?.Invoke(new TrainingStep(step.Step, total, loss, norm, step.Rate, step.Tokens, TokensPerSecond));
    }

    public void Dispose() => _last?.Numbers.Dispose();

    private void RequireFinite(BegunStep step, double loss, double norm)
    {
        if (double.IsFinite(loss) && double.IsFinite(norm))
        {
            return;
        }

        string[] rows = [.. step.Batches.SelectMany(b => b).Select(r => r.Id)];
        if (run.CheckpointDirectory is not null)
        {
            FailedStep.Write(run.CheckpointDirectory, new FailedStep(step.Step, loss, norm, rows));
        }

        throw new TrainingException(
            $"Step {step.Step}: the loss is {loss}, the gradient norm {norm}. Nothing was learned from it. Lower "
                + $"the learning rate; the step's rows are {string.Join(", ", rows.Take(64))}."
        );
    }

    private sealed record BegunStep(
        IStepNumbers Numbers,
        int Step,
        IReadOnlyList<EncodedRow[]> Batches,
        double Rate,
        long Tokens
    );
}
