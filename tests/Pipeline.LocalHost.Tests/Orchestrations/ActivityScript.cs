using Pipeline.Functions.Datasets;

namespace Pipeline.LocalHost.Tests.Orchestrations;

/// <summary>What the activities of a test return; by default each succeeds.</summary>
internal sealed record ActivityScript
{
    public string? PlanFault { get; init; }
    public string? PartFault { get; init; }
    public TimeSpan Deadline { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Lines of progress that the worker has written.</summary>
    public int Lines { get; init; }
    public bool NoRetraining { get; init; }

    /// <summary>How a run on texts without answers waits; <c>null</c>: it has enough.</summary>
    public AnswerWait? AnswerWait { get; init; }
    public Func<string>? Publication { get; init; }
}
