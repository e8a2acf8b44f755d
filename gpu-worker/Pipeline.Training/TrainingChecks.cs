using Pipeline.Contracts;
using Pipeline.Training.Batching;

namespace Pipeline.Training;

/// <summary>What must hold before any work is done: settings that contradict each other or the data fail here, not an hour later.</summary>
public static class TrainingChecks
{
    /// <summary>Checks settings against each other and the rows.</summary>
    /// <exception cref="TrainingException">Something does not fit; the message names the setting and the fix.</exception>
    public static void Require(TrainingSettings settings, IReadOnlyList<EncodedRow> rows, int validationRows)
    {
        ArgumentNullException.ThrowIfNull(settings);
        if ((settings.KeepBest || settings.EarlyStopping is not null) && validationRows == 0)
        {
            throw new TrainingException("training.keepBest and training.earlyStopping go by the validation loss, and there are no validation rows. Raise split.validation.");
        }

        if (settings.NeftuneAlpha > 0 && settings.Dora)
        {
            throw new TrainingException("training.neftuneAlpha is not computed together with training.dora; leave one of them out.");
        }

        if (settings.Method == TrainingSettings.Full && (settings.Dora || settings.Rslora || settings.NeftuneAlpha > 0))
        {
            throw new TrainingException("training.dora, training.rslora and training.neftuneAlpha are about adapters, and training.method full trains none; leave them out.");
        }

        _ = new StepPlan(rows, settings);
    }
}
