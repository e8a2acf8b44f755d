using Microsoft.DurableTask;
using Microsoft.Extensions.DependencyInjection;
using Pipeline.Contracts;
using Pipeline.Functions;
using Pipeline.Functions.Activities;
using Pipeline.Functions.Orchestrations;
using Pipeline.LocalHost.Durable;
using Pipeline.LocalHost.Hosting;
using Pipeline.Registry.Promotion;

namespace Pipeline.LocalHost.Tests.Durable.Crashing;

/// <summary>The real orchestrations over stand-in activities that write into a <see cref="CrashWorld"/>. One for each life of the host.</summary>
internal sealed class CrashFunctions(CrashWorld world, CrashScenario scenario) : IDurableFunctions
{
    private static readonly FunctionCatalog Real = new(new ServiceCollection().BuildServiceProvider(), typeof(PipelineServices).Assembly);
    private volatile bool _dead;

    /// <summary>From now on nothing of this life has an effect.</summary>
    public void Die() => _dead = true;

    public Func<TaskOrchestrationContext, Task<string?>>? Orchestrator(string name) => Real.Orchestrator(name);

    public Task<string?> RunActivityAsync(string name, string? input, CancellationToken cancellation)
    {
        lock (world.Gate)
        {
            if (_dead)
            {
                throw new InvalidOperationException("the process is dead");
            }

            int begun = world.Begun.AddOrUpdate(name, 1, (_, n) => n + 1);
            if (scenario.Flaky && begun == 1)
            {
                throw new InvalidOperationException("storage is away for a moment");
            }

            return Task.FromResult(DurableJson.Write(name switch
            {
                nameof(PlanDataset) => Plan(DurableJson.Read<DatasetToPlan>(input)!),
                nameof(BuildDatasetPart) => Part(DurableJson.Read<DatasetPartInput>(input)!),
                nameof(SynthesizeRows) => Synthesize(DurableJson.Read<DatasetPlanned>(input)!),
                nameof(RemoveDatasetParts) => Remove(DurableJson.Read<DatasetPlanned>(input)!),
                nameof(AssembleDataset) => Assemble(DurableJson.Read<DatasetPlanned>(input)!),
                nameof(SubmitTraining) => Submit(DurableJson.Read<JobInput>(input)!),
                nameof(ReadPulse) => Pulse(),
                nameof(PublishAdapter) => Publish(DurableJson.Read<JobInput>(input)!),
                nameof(RecordFailure) => Fail(DurableJson.Read<RunFailure>(input)!),
                nameof(PrepareRetraining) => Prepare(),
                nameof(NoteUsedFeedback) => Use(DurableJson.Read<UsedFeedback>(input)!),
                _ => throw new FunctionNotFoundException(name),
            }));
        }
    }

    private DatasetPlanned Plan(DatasetToPlan plan) => new(plan.Input, plan.Instance, "dataset-" + plan.Input.RunId, 3, [], ["t"], true, scenario.DatasetFault);

    private string? Part(DatasetPartInput input)
    {
        world.Blobs[$"part {input.Part} of {input.Planned.DatasetId}"] = $"rows of {input.Planned.Input.Source}";
        return null;
    }

    /// <summary>Two turns: what the first one made is kept.</summary>
    private SynthesisTurn Synthesize(DatasetPlanned planned)
    {
        string rows = $"part made of {planned.DatasetId}";
        bool whole = world.Blobs.ContainsKey(rows);
        world.Blobs[rows] = "made rows";
        return new SynthesisTurn(whole, null);
    }

    private object? Remove(DatasetPlanned planned)
    {
        foreach (string part in world.Blobs.Keys.Where(k => k.EndsWith($" of {planned.DatasetId}", StringComparison.Ordinal) && k.StartsWith("part ", StringComparison.Ordinal)).ToList())
        {
            world.Blobs.Remove(part);
        }

        return null;
    }

    private DatasetOutput Assemble(DatasetPlanned planned)
    {
        string[] parts = [.. Enumerable.Range(0, planned.Parts).Select(i => world.Blobs.GetValueOrDefault($"part {i} of {planned.DatasetId}", "nothing"))];
        world.Blobs["dataset of " + planned.Input.RunId] = $"{string.Join(", ", parts)} and {planned.Input.FeedbackBatch}";
        return new DatasetOutput(planned.DatasetId, null);
    }

    private JobHandle Submit(JobInput input)
    {
        int version = world.Allot(input.RunId);
        world.Jobs.Enqueue(new TrainingRequest(input.RunId, input.Attempt));
        return new JobHandle(version, TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(20), 0);
    }

    private JobPulse Pulse() => new(++world.Looks, false);

    private string Publish(JobInput input)
    {
        int version = world.Registry.Allotted[input.RunId];
        world.Update(r => VersionLedger.Publish(r, version, promote: true, $"v{version} is the champion"));
        world.Runs[input.RunId] = RunRecord.Completed;
        return world.Registry.Decisions[version];
    }

    private object? Fail(RunFailure failure)
    {
        world.Runs[failure.RunId] = $"{RunRecord.Failed}: {failure.Error}";
        return null;
    }

    private static RetrainingPlan Prepare() => new(new PipelineInput("crash-1111111111-000000", "crash", "a.csv", "corrections-1.jsonl", "feedback"), ["f1", "f2"]);

    private object? Use(UsedFeedback used)
    {
        world.Update(r => VersionLedger.UseFeedback(r, used.Ids));
        return null;
    }
}
