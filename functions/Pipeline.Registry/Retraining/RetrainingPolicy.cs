using Pipeline.Contracts;
using Pipeline.Registry.Feedback;

namespace Pipeline.Registry.Retraining;

/// <summary>When feedback is enough to train again. Simple for now: by count.</summary>
public static class RetrainingPolicy
{
    /// <summary>Corrected texts that are decided and have a vote that no retraining has used.</summary>
    public static IReadOnlyList<VerdictItem> Waiting(IEnumerable<VerdictItem> items, RegistryPointer registry)
    {
        ArgumentNullException.ThrowIfNull(registry);
        HashSet<string> used = [.. registry.UsedFeedback];
        return [.. items.Where(i => i.Answer is not null && i.Votes.Any(v => !used.Contains(v.FeedbackId)))];
    }

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
