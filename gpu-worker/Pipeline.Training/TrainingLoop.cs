using Pipeline.Contracts;
using Pipeline.Model.Lora;
using Pipeline.Training.Batching;
using Pipeline.Training.Faults;
using Pipeline.Training.Optimization;
using Pipeline.Training.Resuming;
using Pipeline.Training.Stepping;

namespace Pipeline.Training;

/// <summary>Rows to adapter, in the order in which things happen.</summary>
public static class TrainingLoop
{
    private const int ValidationTokensTogether = 4096;

    /// <summary>Trains in place.</summary>
    /// <returns>Steps done, tokens seen and tokens a second.</returns>
    /// <exception cref="TrainingException">No rows, settings that contradict each other, a loss that is not a number,
    /// or a first step that moved nothing.</exception>
    /// <exception cref="OperationCanceledException">Asked to stop; a checkpoint was written when the run has a folder
    /// for it.</exception>
    public static TrainingOutcome Train(TrainingRun run, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(run);
        TrainingSettings settings = run.Settings;
        TrainingChecks.Require(settings, run.Rows, run.ValidationRows.Count);
        bool keepsBest = settings.KeepBest || settings.EarlyStopping is not null;
        var plan = new StepPlan(run.Rows, settings);
        int warmup = Math.Min(settings.WarmupSteps, plan.Count / 5); // a short run is not all warm-up
        double peak = settings.LearningRateFor(run.Model.Config.HiddenSize);

        using StepEngine engine = StepEngine.For(run, plan);
        run.OnEngine?.Invoke(engine.Name);
        using var best = new BestValues(run.Trained);
        string fingerprint = run.Fingerprint();
        long tokens = Resume(run, engine, best, fingerprint);
        using var pending = new PendingStep(run, engine, plan.Count, tokens);
        bool stopped = settings.EarlyStopping is { } early && best.Worse >= early;
        while (engine.Steps < plan.Count && !stopped)
        {
            if (cancellation.IsCancellationRequested)
            {
                pending.CompleteStep();
                Save(run, engine, best, fingerprint, tokens);
                throw new OperationCanceledException(cancellation);
            }

            double rate = LearningRateSchedule.Rate(settings.Schedule, peak, engine.Steps, warmup, plan.Count);
            List<EncodedRow[]> batches = Batches(run, plan, engine.Steps);
            tokens += batches.Sum(b => b.Sum(r => r.Ids.Count));
            // The same step drops the same inputs, whether the run came here in one go or was resumed.
            pending.BeginStep(batches, CounterDropout.Derive((uint)settings.Seed, engine.Steps), rate, tokens);

            if (IsValidationDue(run, plan, engine.Steps))
            {
                pending.CompleteStep();
                stopped = Validate(run, engine, keepsBest ? best : null);
            }

            if (engine.Steps % settings.CheckpointSteps == 0 && engine.Steps < plan.Count)
            {
                pending.CompleteStep();
                Save(run, engine, best, fingerprint, tokens);
            }
        }

        pending.CompleteStep();
        engine.CopyToHost();
        if (keepsBest)
        {
            best.Restore();
        }

        return new TrainingOutcome(engine.Steps, tokens, pending.TokensPerSecond, keepsBest ? best.Step : null);
    }

    private static List<EncodedRow[]> Batches(TrainingRun run, StepPlan plan, int step) =>
        [.. plan.Batches(step).Select(indices => indices.Select(i => run.Rows[i]).ToArray())];

    private static bool IsValidationDue(TrainingRun run, StepPlan plan, int steps)
    {
        bool due = run.Settings.EvaluationSteps is { } every
            ? steps % every == 0 || steps == plan.Count
            : plan.EndsEpoch(steps);
        return due && run.ValidationRows.Count > 0;
    }

    /// <summary>Measures the validation loss.</summary>
    /// <param name="run">The run.</param>
    /// <param name="engine">What trains.</param>
    /// <param name="best">Gets the values where they are the best so far; <c>null</c>: they are not kept.</param>
    /// <returns>Whether the loss has been worse for as long as the settings allow.</returns>
    private static bool Validate(TrainingRun run, StepEngine engine, BestValues? best)
    {
        double validation = MeanLoss(run, engine);
        run.OnValidation?.Invoke(engine.Steps, validation);
        if (best is null)
        {
            return false;
        }

        engine.CopyToHost();
        best.Offer(validation, engine.Steps);
        return run.Settings.EarlyStopping is { } patience && best.Worse >= patience;
    }

    private static double MeanLoss(TrainingRun run, StepEngine engine)
    {
        // No more at a time than in training, or some thousand tokens where that is less.
        int[] lengths = [.. run.ValidationRows.Select(r => r.Ids.Count)];
        int most = Math.Max(
            lengths.Max(),
            Math.Min(ValidationTokensTogether, run.Settings.PackTokens ?? ValidationTokensTogether)
        );
        double sum = BatchPlan
            .PackedEpoch(lengths, most, seed: 0, epoch: 0)
            .Sum(batch => engine.Loss([.. batch.Select(i => run.ValidationRows[i])]));
        return sum / run.ValidationRows.Sum(r => r.SupervisedTokens);
    }

    private static long Resume(TrainingRun run, StepEngine engine, BestValues best, string fingerprint)
    {
        string? path = run.CheckpointDirectory is null
            ? null
            : Path.Combine(run.CheckpointDirectory, TrainingCheckpoint.FileName);
        if (
            path is null
            || !File.Exists(path)
            || TrainingCheckpoint.TryRead(path, run.Trained, engine, best, fingerprint) is not { } tokens
        )
        {
            return 0;
        }

        engine.CopyToDevice();
        return tokens;
    }

    private static void Save(TrainingRun run, StepEngine engine, BestValues best, string fingerprint, long tokens)
    {
        if (run.CheckpointDirectory is null)
        {
            return;
        }

        Directory.CreateDirectory(run.CheckpointDirectory);
        string path = Path.Combine(run.CheckpointDirectory, TrainingCheckpoint.FileName);
        engine.CopyToHost();
        TrainingCheckpoint.Write(path, run.Trained, engine, best, fingerprint, tokens);
        run.OnCheckpoint?.Invoke(path);
    }
}

/// <summary>What a run came to.</summary>
/// <param name="Steps">Optimizer steps made in all.</param>
/// <param name="Tokens">Tokens seen.</param>
/// <param name="TokensPerSecond">Of this process.</param>
/// <param name="BestStep">The step whose adapter was kept; <c>null</c>: the last one's.</param>
public sealed record TrainingOutcome(int Steps, long Tokens, double TokensPerSecond, int? BestStep);
