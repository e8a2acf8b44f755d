using Pipeline.Contracts;

namespace Pipeline.Registry.Review;

/// <summary>Leases of a queue's items: what one reviewer has, no other gets until the lease ends.</summary>
public static class LeaseTable
{
    /// <summary>How long a reviewer does not get an item that he has skipped.</summary>
    private static readonly TimeSpan SkippedFor = TimeSpan.FromDays(1);

    /// <summary>Gives a reviewer the next items: those that he has already, then the first that nobody has.</summary>
    /// <param name="leases">The leases; those that have ended are left out of the result.</param>
    /// <param name="items">The ids of the queue's items in its order, those only that the reviewer may get.</param>
    /// <param name="reviewer">Who.</param>
    /// <param name="count">How many.</param>
    /// <param name="now">The time.</param>
    /// <param name="duration">How long he has them.</param>
    /// <returns>The leases, and the ids of the items that the reviewer has now, in the queue's order.</returns>
    public static (ReviewLeases Leases, IReadOnlyList<string> Items) Take(
        ReviewLeases leases,
        IReadOnlyList<string> items,
        string reviewer,
        int count,
        DateTimeOffset now,
        TimeSpan duration
    )
    {
        ArgumentNullException.ThrowIfNull(items);
        List<ReviewLease> kept = Current(leases, now);
        HashSet<string> own = [.. kept.Where(l => !l.IsSkipped && l.Reviewer == reviewer).Select(l => l.Item)];
        HashSet<string> barred = [.. kept.Where(l => l.IsSkipped == (l.Reviewer == reviewer)).Select(l => l.Item)];
        string[] taken =
        [
            .. items.Where(own.Contains).Concat(items.Where(i => !own.Contains(i) && !barred.Contains(i))).Take(count),
        ];
        HashSet<string> renewed = [.. taken];
        kept.RemoveAll(l => !l.IsSkipped && l.Reviewer == reviewer && renewed.Contains(l.Item));
        kept.AddRange(taken.Select(i => new ReviewLease(i, reviewer, now + duration, false)));
        return (new ReviewLeases(kept), [.. items.Where(renewed.Contains)]);
    }

    /// <summary>Who else has an item; <c>null</c>: nobody.</summary>
    public static ReviewLease? HeldByOther(ReviewLeases leases, string item, string reviewer, DateTimeOffset now) =>
        Current(leases, now).Find(l => l.Item == item && !l.IsSkipped && l.Reviewer != reviewer);

    /// <summary>Gives an item back, decided or skipped.</summary>
    public static ReviewLeases Return(
        ReviewLeases leases,
        string item,
        string reviewer,
        bool isSkipped,
        DateTimeOffset now
    )
    {
        List<ReviewLease> kept = Current(leases, now);
        kept.RemoveAll(l => l.Item == item && l.Reviewer == reviewer);
        if (isSkipped)
        {
            kept.Add(new ReviewLease(item, reviewer, now + SkippedFor, true));
        }

        return new ReviewLeases(kept);
    }

    private static List<ReviewLease> Current(ReviewLeases leases, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(leases);
        return [.. leases.Leases.Where(l => l.Until > now)];
    }
}
