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
    /// <summary>Trains the run's adapter in place.</summary>
    /// <returns>Steps done, tokens seen and tokens a second.</returns>
    /// <exception cref="TrainingException">No rows, or a loss that is not a number; the rows of the batch are named.</exception>
    /// <exception cref="OperationCanceledException">Asked to stop; a checkpoint was written when the run has a folder for it.</exception>
    public static TrainingOutcome Train(TrainingRun run, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(run);
        TrainingSettings settings = run.Settings;
        if (run.Rows.Count == 0)
        {
            throw new TrainingException("There are no rows to train on.");
        }

        int[] lengths = [.. run.Rows.Select(r => r.Ids.Count)];
        int batchesAnEpoch = (run.Rows.Count + settings.BatchSize - 1) / settings.BatchSize;
        int stepsAnEpoch = (batchesAnEpoch + settings.GradientAccumulation - 1) / settings.GradientAccumulation;
        int total = stepsAnEpoch * settings.Epochs;
        int warmup = Math.Min(settings.WarmupSteps, total / 5); // a short run is not all warm-up
        double peak = settings.LearningRateFor(run.Model.Config.HiddenSize);

        using var optimizer = new AdamW(run.Adapter, settings.WeightDecay);
        using var gradient = new StepGradient(run.Model);
        string fingerprint = run.Fingerprint();
        long tokens = Resume(run, optimizer, fingerprint);
        long tokensBefore = tokens;
        long started = Stopwatch.GetTimestamp();
        for (int epoch = optimizer.Steps / stepsAnEpoch; epoch < settings.Epochs; epoch++)
        {
            IReadOnlyList<IReadOnlyList<int>> plan = BatchPlan.Epoch(lengths, settings.BatchSize, settings.Seed, epoch);
            foreach (IReadOnlyList<int>[] step in plan.Chunk(settings.GradientAccumulation).Skip(optimizer.Steps - (epoch * stepsAnEpoch)))
            {
                if (cancellation.IsCancellationRequested)
                {
                    Save(run, optimizer, fingerprint, tokens);
                    throw new OperationCanceledException(cancellation);
                }

                double rate = LearningRateSchedule.Rate(settings.Schedule, peak, optimizer.Steps, warmup, total);
                List<EncodedRow[]> batches = [.. step.Select(indices => indices.Select(i => run.Rows[i]).ToArray())];
                // The same step drops the same inputs, whether the run came here in one go or was resumed.
                double loss = gradient.Accumulate(batches, CounterDropout.Derive((uint)settings.Seed, optimizer.Steps));
                double norm = optimizer.ClipGradients(settings.ClipNorm);
                RequireFinite(loss, norm, optimizer.Steps + 1, batches);
                optimizer.Step(rate);

                tokens += batches.Sum(b => b.Sum(r => r.Ids.Count));
                double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
                run.OnStep?.Invoke(new TrainingStep(optimizer.Steps, total, loss, norm, rate, tokens, (tokens - tokensBefore) / seconds));
                if (optimizer.Steps % settings.CheckpointSteps == 0 && optimizer.Steps < total)
                {
                    Save(run, optimizer, fingerprint, tokens);
                }
            }

            if (run.ValidationRows.Count > 0)
            {
                run.OnValidation?.Invoke(optimizer.Steps, MeanLoss(run, gradient));
            }
        }

        return new TrainingOutcome(total, tokens, (tokens - tokensBefore) / Stopwatch.GetElapsedTime(started).TotalSeconds);
    }

    private static double MeanLoss(TrainingRun run, StepGradient gradient)
    {
        double sum = run.ValidationRows.OrderBy(r => r.Ids.Count).Chunk(32).Sum(gradient.Loss);
        return sum / run.ValidationRows.Sum(r => r.SupervisedTokens);
    }

    private static void RequireFinite(double loss, double norm, int step, List<EncodedRow[]> batches)
    {
        if (!double.IsFinite(loss) || !double.IsFinite(norm))
        {
            throw new TrainingException($"Step {step}: the loss is {loss}, the gradient norm {norm}. Nothing was learned from it. Lower the learning rate; the step's rows are {string.Join(", ", batches.SelectMany(b => b).Select(r => r.Id).Take(64))}.");
        }
    }

    private static long Resume(TrainingRun run, AdamW optimizer, string fingerprint)
    {
        string? path = run.CheckpointDirectory is null ? null : Path.Combine(run.CheckpointDirectory, TrainingCheckpoint.FileName);
        return path is not null && File.Exists(path) ? TrainingCheckpoint.TryRead(path, run.Adapter, optimizer, fingerprint) ?? 0 : 0;
    }

    private static void Save(TrainingRun run, AdamW optimizer, string fingerprint, long tokens)
    {
        if (run.CheckpointDirectory is null)
        {
            return;
        }

        Directory.CreateDirectory(run.CheckpointDirectory);
        string path = Path.Combine(run.CheckpointDirectory, TrainingCheckpoint.FileName);
        TrainingCheckpoint.Write(path, run.Adapter, optimizer, fingerprint, tokens);
        run.OnCheckpoint?.Invoke(path);
    }
}

/// <summary>What a run came to.</summary>
/// <param name="Steps">Optimizer steps of the whole run.</param>
/// <param name="Tokens">Tokens seen, padding not counted.</param>
/// <param name="TokensPerSecond">Of this process.</param>
public sealed record TrainingOutcome(int Steps, long Tokens, double TokensPerSecond);
