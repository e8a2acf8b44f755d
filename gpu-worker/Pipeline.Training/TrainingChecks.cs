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
        if (SettingRules.Check(settings, "training").FirstOrDefault() is { } fault)
        {
            throw new TrainingException($"{fault}.");
        }

        if ((settings.KeepBest || settings.EarlyStopping is not null) && validationRows == 0)
        {
            throw new TrainingException(
                "training.keepBest and training.earlyStopping go by the validation loss, and there are no "
                    + "validation rows. Raise split.validation."
            );
        }

        if (settings.Method == TrainingMethod.Full && (settings.Dora || settings.Rslora || settings.NeftuneAlpha > 0))
        {
            throw new TrainingException(
                "training.dora, training.rslora and training.neftuneAlpha are about adapters, and training.method "
                    + "full trains none; leave them out."
            );
        }

        _ = new StepPlan(rows, settings);
    }
}
