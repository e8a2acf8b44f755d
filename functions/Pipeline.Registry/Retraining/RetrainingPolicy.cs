using Pipeline.Contracts;

namespace Pipeline.Registry.Retraining;

/// <summary>When feedback is enough to train again. Simple for now: by count.</summary>
public static class RetrainingPolicy
{
    /// <summary>Whether the timer, or else a new correction, makes it enough.</summary>
    public static bool IsDue(RunTrigger trigger, int waiting, RetrainingSettings settings) =>
        trigger == RunTrigger.Timer ? IsDueBySchedule(waiting, settings) : IsDueByCount(waiting, settings);

    /// <summary>Whether a new correction makes it enough.</summary>
    public static bool IsDueByCount(int waiting, RetrainingSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return settings.FeedbackCount > 0 && waiting >= settings.FeedbackCount;
    }

    /// <summary>Whether the timer finds enough.</summary>
    public static bool IsDueBySchedule(int waiting, RetrainingSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return waiting >= settings.ScheduledMinimum;
    }
}
