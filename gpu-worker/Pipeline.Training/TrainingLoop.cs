using System.Diagnostics;
using Pipeline.Contracts;
using Pipeline.Model.Adapters;
using Pipeline.Training.Batching;
using Pipeline.Training.Objectives;
using Pipeline.Training.Optimization;
using Pipeline.Training.Resuming;

namespace Pipeline.Training;

/// <summary>Rows to adapter, in the order in which things happen.</summary>
public static class TrainingLoop
{
    private const int ValidationTokensTogether = 4096;

    /// <summary>Trains in place.</summary>
    /// <returns>Steps done, tokens seen and tokens a second.</returns>
    /// <exception cref="TrainingException">No rows, settings that contradict each other, a loss that is not a number, or a first step that moved nothing.</exception>
    /// <exception cref="OperationCanceledException">Asked to stop; a checkpoint was written when the run has a folder for it.</exception>
    public static TrainingOutcome Train(TrainingRun run, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(run);
        TrainingSettings settings = run.Settings;
        TrainingChecks.Require(settings, run.Rows, run.ValidationRows.Count);
        bool keepsBest = settings.KeepBest || settings.EarlyStopping is not null;
        var plan = new StepPlan(run.Rows, settings);
        int warmup = Math.Min(settings.WarmupSteps, plan.Count / 5); // a short run is not all warm-up
        double peak = settings.LearningRateFor(run.Model.Config.HiddenSize);

        using Optimizer optimizer = Optimizer.For(run.Trained, settings);
        using var gradient = new StepGradient(run.Model, settings.NeftuneAlpha);
        using var best = new BestValues(run.Trained);
        var first = new FirstStepCheck(run.Trained);
        string fingerprint = run.Fingerprint();
        long tokens = Resume(run, optimizer, best, fingerprint);
        long tokensBefore = tokens;
        long started = Stopwatch.GetTimestamp();
        bool stopped = settings.EarlyStopping is { } early && best.Worse >= early;
        while (optimizer.Steps < plan.Count && !stopped)
        {
            if (cancellation.IsCancellationRequested)
            {
                Save(run, optimizer, best, fingerprint, tokens);
                throw new OperationCanceledException(cancellation);
            }

            double rate = LearningRateSchedule.Rate(settings.Schedule, peak, optimizer.Steps, warmup, plan.Count);
            List<EncodedRow[]> batches = [.. plan.Batches(optimizer.Steps).Select(indices => indices.Select(i => run.Rows[i]).ToArray())];
            // The same step drops the same inputs, whether the run came here in one go or was resumed.
            double loss = gradient.Accumulate(batches, CounterDropout.Derive((uint)settings.Seed, optimizer.Steps));
            double norm = optimizer.ClipGradients(settings.ClipNorm);
            RequireFinite(run, loss, norm, optimizer.Steps + 1, batches);
            first.Before(rate);
            optimizer.Step(rate);
            first.Require(optimizer.Steps, rate, norm);

            tokens += batches.Sum(b => b.Sum(r => r.Ids.Count));
            double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
            run.OnStep?.Invoke(new TrainingStep(optimizer.Steps, plan.Count, loss, norm, rate, tokens, (tokens - tokensBefore) / seconds));

            bool due = settings.EvaluationSteps is { } every ? optimizer.Steps % every == 0 || optimizer.Steps == plan.Count : plan.EndsEpoch(optimizer.Steps);
            if (due && run.ValidationRows.Count > 0)
            {
                double validation = MeanLoss(run, gradient);
                run.OnValidation?.Invoke(optimizer.Steps, validation);
                if (keepsBest)
                {
                    best.Offer(validation, optimizer.Steps);
                    stopped = settings.EarlyStopping is { } patience && best.Worse >= patience;
                }
            }

            if (optimizer.Steps % settings.CheckpointSteps == 0 && optimizer.Steps < plan.Count)
            {
                Save(run, optimizer, best, fingerprint, tokens);
            }
        }

        if (keepsBest)
        {
            best.Restore();
        }

        return new TrainingOutcome(optimizer.Steps, tokens, (tokens - tokensBefore) / Stopwatch.GetElapsedTime(started).TotalSeconds, keepsBest ? best.Step : null);
    }

    private static double MeanLoss(TrainingRun run, StepGradient gradient)
    {
        // No more at a time than in training, or some thousand tokens where that is less.
        int[] lengths = [.. run.ValidationRows.Select(r => r.Ids.Count)];
        int most = Math.Max(lengths.Max(), Math.Min(ValidationTokensTogether, run.Settings.PackTokens ?? ValidationTokensTogether));
        double sum = BatchPlan.PackedEpoch(lengths, most, seed: 0, epoch: 0).Sum(batch => gradient.Loss([.. batch.Select(i => run.ValidationRows[i])]));
        return sum / run.ValidationRows.Sum(r => r.SupervisedTokens);
    }

    private static void RequireFinite(TrainingRun run, double loss, double norm, int step, List<EncodedRow[]> batches)
    {
        if (double.IsFinite(loss) && double.IsFinite(norm))
        {
            return;
        }

        string[] rows = [.. batches.SelectMany(b => b).Select(r => r.Id)];
        if (run.CheckpointDirectory is not null)
        {
            FailedStep.Write(run.CheckpointDirectory, new FailedStep(step, loss, norm, rows));
        }

        throw new TrainingException($"Step {step}: the loss is {loss}, the gradient norm {norm}. Nothing was learned from it. Lower the learning rate; the step's rows are {string.Join(", ", rows.Take(64))}.");
    }

    private static long Resume(TrainingRun run, Optimizer optimizer, BestValues best, string fingerprint)
    {
        string? path = run.CheckpointDirectory is null ? null : Path.Combine(run.CheckpointDirectory, TrainingCheckpoint.FileName);
        return path is not null && File.Exists(path) ? TrainingCheckpoint.TryRead(path, run.Trained, optimizer, best, fingerprint) ?? 0 : 0;
    }

    private static void Save(TrainingRun run, Optimizer optimizer, BestValues best, string fingerprint, long tokens)
    {
        if (run.CheckpointDirectory is null)
        {
            return;
        }

        Directory.CreateDirectory(run.CheckpointDirectory);
        string path = Path.Combine(run.CheckpointDirectory, TrainingCheckpoint.FileName);
        TrainingCheckpoint.Write(path, run.Trained, optimizer, best, fingerprint, tokens);
        run.OnCheckpoint?.Invoke(path);
    }
}

/// <summary>What a run came to.</summary>
/// <param name="Steps">Optimizer steps made in all.</param>
/// <param name="Tokens">Tokens seen.</param>
/// <param name="TokensPerSecond">Of this process.</param>
/// <param name="BestStep">The step whose adapter was kept; <c>null</c>: the last one's.</param>
public sealed record TrainingOutcome(int Steps, long Tokens, double TokensPerSecond, int? BestStep);
