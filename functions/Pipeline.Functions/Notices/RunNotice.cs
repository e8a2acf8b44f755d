using Pipeline.Contracts;

namespace Pipeline.Functions.Notices;

/// <summary>What is said of a run that has ended.</summary>
/// <param name="Type">run.completed, run.failed or run.needsSettings.</param>
/// <param name="Timestamp">When it ended.</param>
/// <param name="Data">The run.</param>
public sealed record RunNotice(string Type, DateTimeOffset Timestamp, RunNoticeData Data)
{
    /// <summary>Says it of a run.</summary>
    /// <param name="run">A run that has ended.</param>
    /// <param name="address">Where people open the app; <c>null</c>: not known.</param>
    public static RunNotice From(RunRecord run, string? address)
    {
        ArgumentNullException.ThrowIfNull(run);
        string? link = address is null ? null : $"{address.TrimEnd('/')}/api/runs/{run.RunId}";
        return new RunNotice(
            $"run.{run.State.Name()}",
            run.UpdatedAt,
            new RunNoticeData(
                run.Project,
                run.RunId,
                run.State,
                run.Promotion ?? run.Error ?? run.State.Name(),
                run.Version,
                run.BaseAccuracy,
                run.TunedAccuracy,
                run.Source,
                run.Trigger,
                run.State == RunState.Completed && link is not null ? link + "/report" : link
            )
        );
    }

    /// <summary>One line: the project, and the verdict's first line or why there is none.</summary>
    public string Title =>
        Data.State switch
        {
            RunState.Completed => $"{Data.Project}: {Data.Line}",
            RunState.NeedsSettings => $"{Data.Project} needs settings: {Data.Line}",
            _ => $"{Data.Project}: the run of {Data.Source} has failed: {Data.Line}",
        };
}

/// <summary>A run that has ended.</summary>
/// <param name="Project">Its project.</param>
/// <param name="RunId">The run.</param>
/// <param name="State">How it ended.</param>
/// <param name="Line">The verdict's first line, or why it failed.</param>
/// <param name="Version">The version that it published.</param>
/// <param name="BaseScore">The base's score, 0 to 1.</param>
/// <param name="TunedScore">The version's.</param>
/// <param name="Source">The raw file.</param>
/// <param name="Trigger">What started it.</param>
/// <param name="Link">Its report, or the run; <c>null</c>: the app does not know its address.</param>
public sealed record RunNoticeData(
    string Project,
    string RunId,
    RunState State,
    string Line,
    int? Version,
    double? BaseScore,
    double? TunedScore,
    string Source,
    RunTrigger Trigger,
    string? Link
);
