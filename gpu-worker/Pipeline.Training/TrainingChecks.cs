using System.Globalization;
using Pipeline.Contracts;
using Pipeline.Training.Batching;
using Pipeline.Training.Faults;

namespace Pipeline.Training;

/// <summary>
/// What must hold before any work is done: settings that contradict each other or the data fail here, not an hour
/// later.
/// </summary>
public static class TrainingChecks
{
    /// <summary>Checks settings against each other and the rows.</summary>
    /// <exception cref="TrainingException">Something does not fit; the message names the setting and the
    /// fix.</exception>
    public static void Require(TrainingSettings settings, IReadOnlyList<EncodedRow> rows, int validationRows)
    {
        ArgumentNullException.ThrowIfNull(settings);
        RequireKnown("method", settings.Method, TrainingSettings.Qlora, TrainingSettings.Lora, TrainingSettings.Full);
        RequireKnown("optimizer", settings.Optimizer, TrainingSettings.AdamW, TrainingSettings.AdamW8Bit);
        RequireKnown(
            "schedule",
            settings.Schedule,
            TrainingSettings.Cosine,
            TrainingSettings.Linear,
            TrainingSettings.Constant
        );
        RequireKnown(
            "memory",
            settings.Memory,
            [TrainingSettings.AutoMemory, .. Enum.GetNames<GpuMemory>().Select(n => n.ToLowerInvariant())]
        );
        RequireRange("r", settings.R, 1, 1024);
        RequireRange("dropout", settings.Dropout, 0, 0.99);
        RequireRange("epochs", settings.Epochs, 1, 100);
        RequireRange("batchSize", settings.BatchSize, 1, 1024);
        RequireRange("gradientAccumulation", settings.GradientAccumulation, 1, 1024);
        RequireRange("learningRate", settings.LearningRate ?? 1, double.Epsilon, 1);
        RequireRange("weightDecay", settings.WeightDecay, 0, 1);
        RequireRange("clipNorm", settings.ClipNorm, double.Epsilon, 1e6);
        RequireRange("checkpointSteps", settings.CheckpointSteps, 1, 100_000);
        if ((settings.KeepBest || settings.EarlyStopping is not null) && validationRows == 0)
        {
            throw new TrainingException(
                "training.keepBest and training.earlyStopping go by the validation loss, and there are no "
                    + "validation rows. Raise split.validation."
            );
        }

        if (settings.Method == TrainingSettings.Full && (settings.Dora || settings.Rslora || settings.NeftuneAlpha > 0))
        {
            throw new TrainingException(
                "training.dora, training.rslora and training.neftuneAlpha are about adapters, and training.method "
                    + "full trains none; leave them out."
            );
        }

        _ = new StepPlan(rows, settings);
    }

    private static void RequireKnown(string key, string value, params string[] known)
    {
        if (!known.Contains(value, StringComparer.Ordinal))
        {
            throw new TrainingException($"training.{key} is '{value}'; use one of {string.Join(", ", known)}.");
        }
    }

    private static void RequireRange(string key, double value, double least, double most)
    {
        if (!(value >= least && value <= most))
        {
            throw new TrainingException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"training.{key} is {value}; it must lie "
                        + $"{(least == double.Epsilon ? "above 0" : $"from {least}")} to {most}."
                )
            );
        }
    }
}
