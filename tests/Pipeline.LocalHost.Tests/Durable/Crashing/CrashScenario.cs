using Pipeline.Functions.Orchestrations;

namespace Pipeline.LocalHost.Tests.Durable.Crashing;

/// <summary>What is run, and what goes wrong beside the crash.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Orchestrator">What is started.</param>
/// <param name="Input">With what.</param>
/// <param name="InstanceId">Under which id.</param>
public sealed record CrashScenario(string Name, string Orchestrator, object Input, string InstanceId)
{
    private static readonly PipelineInput Plain = new("crash-0000000000-000000", "crash", "a.csv", null, "drop");

    /// <summary>Every activity fails the first time that it is run.</summary>
    public bool Flaky { get; init; }

    /// <summary>Looks at the worker before it has done its work.</summary>
    public int LooksBeforeTheEnd { get; init; }

    /// <summary>Why no dataset can be built.</summary>
    public string? DatasetFault { get; init; }

    public static IReadOnlyList<CrashScenario> All { get; } =
    [
        new("a run", AdapterPipeline.Name, Plain, Plain.RunId),
        new("activities that fail once", AdapterPipeline.Name, Plain, Plain.RunId) { Flaky = true },
        new("a worker that takes its time", AdapterPipeline.Name, Plain, Plain.RunId) { LooksBeforeTheEnd = 3 },
        new("no dataset", AdapterPipeline.Name, Plain, Plain.RunId) { DatasetFault = "All rows were rejected." },
        new("a retraining", Retraining.Name, new RetrainingInput("crash", "feedback"), "crash-retraining") { Flaky = true },
    ];

    public override string ToString() => Name;
}
