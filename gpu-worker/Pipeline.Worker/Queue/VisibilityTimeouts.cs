namespace Pipeline.Worker.Queue;

/// <summary>How long a worker keeps a job without a sign of life.</summary>
/// <param name="Hidden">How long the message stays hidden without a renewal: after a worker's death the next one waits
/// so long.</param>
public sealed record VisibilityTimeouts(TimeSpan Hidden)
{
    /// <summary>The setting: a time span from 20 seconds to an hour.</summary>
    public const string Setting = "WorkerMessageHidden";

    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Longest = TimeSpan.FromHours(1);
    private static readonly TimeSpan ShortestLease = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan LongestLease = TimeSpan.FromSeconds(60);

    /// <summary>Two minutes.</summary>
    public static VisibilityTimeouts Default { get; } = new(TimeSpan.FromMinutes(2));

    /// <summary>How long the lease on the job lasts without a renewal: storage allows 15 to 60 seconds.</summary>
    public TimeSpan Lease =>
        Hidden / 2 < ShortestLease ? ShortestLease
        : Hidden / 2 > LongestLease ? LongestLease
        : Hidden / 2;

    /// <summary>Reads the setting.</summary>
    /// <exception cref="FormatException">It is not such a time span.</exception>
    public static VisibilityTimeouts FromSetting(string? text) =>
        string.IsNullOrWhiteSpace(text) ? Default
        : TimeSpan.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out TimeSpan hidden)
        && hidden >= Shortest
        && hidden <= Longest
            ? new VisibilityTimeouts(hidden)
        : throw new FormatException(
            $"{Setting} is '{text}'; give a time span from {Shortest} to {Longest}, such as {Default.Hidden}."
        );
}
