using Pipeline.Contracts;
using Pipeline.Registry.Feedback;

namespace Pipeline.Registry.Retraining;

/// <summary>When feedback is enough to train again. Simple for now: by count.</summary>
public static class RetrainingPolicy
{
    /// <summary>Corrections that no retraining has used, in the order of their ids.</summary>
    public static IReadOnlyList<FeedbackRecord> Waiting(IEnumerable<FeedbackRecord> feedback, RegistryPointer registry)
    {
        ArgumentNullException.ThrowIfNull(registry);
        HashSet<string> used = [.. registry.UsedFeedback];
        return
        [
            .. feedback
                .Where(f => FeedbackVerdict.Teaches(f) && !used.Contains(f.Id))
                .OrderBy(f => f.Id, StringComparer.Ordinal),
        ];
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
