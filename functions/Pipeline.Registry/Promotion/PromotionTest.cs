using System.Globalization;
using Pipeline.Contracts;

namespace Pipeline.Registry.Promotion;

/// <summary>Whether a new adapter replaces the champion: only when it is proven better on held-out rows.</summary>
public static class PromotionTest
{
    /// <summary>Fewest rows that both were asked; below, nothing is proven.</summary>
    public const int MinRows = 20;

    /// <summary>Decides.</summary>
    /// <param name="againstBase">Tuned minus base.</param>
    /// <param name="champion">The champion's version; <c>null</c>: there is none yet.</param>
    /// <param name="againstChampion">New minus champion on the rows that both were asked; <c>null</c>: there are too
    /// few.</param>
    /// <param name="settings">The project's gate.</param>
    /// <returns>Whether to promote, and why, in words.</returns>
    public static (bool Promote, string Reason) Decide(
        PairedDifference againstBase,
        int? champion,
        PairedDifference? againstChampion,
        PromotionSettings settings
    )
    {
        ArgumentNullException.ThrowIfNull(againstBase);
        ArgumentNullException.ThrowIfNull(settings);
        if (champion is null)
        {
            return againstBase.Interval.Low > settings.MinimumGain
                ? (true, $"proven better than the base ({Words(againstBase)})")
                : (false, $"not proven better than the base ({Words(againstBase)})");
        }

        if (againstChampion is null)
        {
            return (false, $"v{champion} stays: fewer than {MinRows} held-out rows were asked of both in the same way");
        }

        return againstChampion.Interval.Low > settings.MinimumGain
            ? (true, $"proven better than v{champion} ({Words(againstChampion)})")
            : (false, $"v{champion} stays: not proven better ({Words(againstChampion)})");
    }

    private static string Words(PairedDifference difference) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{100 * difference.Mean:+0.0;-0.0;0.0} points, 95 % interval "
                + $"{100 * difference.Interval.Low:+0.0;-0.0;0.0} to {100 * difference.Interval.High:+0.0;-0.0;0.0}"
        );
}
