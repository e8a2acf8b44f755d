using System.Collections.Concurrent;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Testing;
using Pipeline.Contracts;
using Pipeline.Functions.Datasets;
using Pipeline.Functions.Durable;
using Pipeline.Functions.Projects;
using Pipeline.Functions.Publishing;
using Pipeline.Functions.Retraining;
using Pipeline.Functions.Runs;
using Pipeline.Functions.Training;

namespace Pipeline.LocalHost.Tests.Orchestrations;

/// <summary>
/// The real orchestrators on Microsoft's in-process test host, over activities that say what they were asked.
/// </summary>
public sealed class OrchestratorTests : IAsyncDisposable
{
    private static readonly PipelineInput Drop = new("run-1", "orchestrated", "a.csv", null, "drop");
    private readonly ConcurrentQueue<string> _calls = new();
    private DurableTaskTestHost? _host;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>What the activities answer.</summary>
    private Answers Given { get; set; } = new();

    public async ValueTask DisposeAsync()
    {
        if (_host is not null)
        {
            await _host.DisposeAsync();
        }
    }

    [Fact]
    public async Task Run_WithAWorker_GoesFromPlanToPublication()
    {
        OrchestrationMetadata end = await TrainedAsync();

        Assert.Equal(OrchestrationRuntimeStatus.Completed, end.RuntimeStatus);
        Assert.Equal(
            new PipelineOutput("run-1", "dataset-1", "orchestrated/v7/", 7, "v7 is the champion"),
            end.ReadOutputAs<PipelineOutput>()
        );
        Assert.Equal(
            [
                "PlanDataset",
                "BuildDatasetPart",
                "BuildDatasetPart",
                "BuildDatasetPart",
                "SynthesizeRows",
                "SynthesizeRows",
                "AssembleDataset",
                "RemoveDatasetParts",
                "SubmitTraining",
                "PublishAdapter",
            ],
            _calls
        );
    }

    [Theory]
    [InlineData("All rows were rejected.", null, null)]
    [InlineData(null, "The text has no column.", null)]
    [InlineData(null, null, "The adapter fails its proof.")]
    public async Task Run_ThatCannotGoOn_WritesDownWhyAndPublishesNothing(
        string? planFault,
        string? partFault,
        string? trainingFault
    )
    {
        Given = new Answers { PlanFault = planFault, PartFault = partFault };

        OrchestrationMetadata end = await RunAsync(
            AdapterPipeline.Name,
            Drop,
            async (client, attempt) =>
                await client.RaiseEventAsync(
                    TrainingWatch.InstanceOf("run-1"),
                    TrainingWatch.Finished,
                    new TrainingResult("run-1", attempt, false, false, trainingFault),
                    Cancellation
                )
        );

        Assert.Equal(OrchestrationRuntimeStatus.Failed, end.RuntimeStatus);
        Assert.Equal($"RecordFailure run-1: {planFault ?? partFault ?? trainingFault}", _calls.Last());
        Assert.DoesNotContain("PublishAdapter", _calls);
        Assert.Equal(planFault is null, _calls.Contains("RemoveDatasetParts")); // the parts go, however they ended
    }

    [Fact]
    public async Task Activity_ThatSaysTheRunCannotGoOn_IsNotTriedAgain()
    {
        Given = new Answers { Publication = () => throw new RunFailedException("A file is missing.") };

        OrchestrationMetadata end = await TrainedAsync();

        Assert.Equal(OrchestrationRuntimeStatus.Failed, end.RuntimeStatus);
        Assert.Equal(["PublishAdapter", "RecordFailure run-1: A file is missing."], _calls.TakeLast(2));
        Assert.Single(_calls, c => c == "PublishAdapter");
    }

    [Fact]
    public async Task Activity_ThatStorageFails_IsTriedAgain()
    {
        int tries = 0;
        Given = new Answers
        {
            Publication = () => ++tries < 2 ? throw new IOException("Storage is away.") : "v7 is the champion",
        };

        OrchestrationMetadata end = await TrainedAsync();

        Assert.Equal((OrchestrationRuntimeStatus.Completed, 2), (end.RuntimeStatus, tries));
    }

    /// <summary>
    /// The word of an earlier start comes first, and then this one's, before and behind the watch's beginning anew.
    /// </summary>
    [Fact]
    public async Task Watch_WordOfAnEarlierStart_WaitsForItsOwn()
    {
        var wait = new TrainingWait(new TrainingAttempt("run-2", "orchestrated", "dataset-1", "mine"), null, -1);

        OrchestrationMetadata end = await RunAsync(
            TrainingWatch.Name,
            wait,
            async (client, _) =>
            {
                foreach (string attempt in (string[])["an earlier one", "another", "mine"])
                {
                    await client.RaiseEventAsync(
                        TrainingWatch.InstanceOf("run-2"),
                        TrainingWatch.Finished,
                        new TrainingResult("run-2", attempt, true, false, attempt),
                        Cancellation
                    );
                }
            },
            TrainingWatch.InstanceOf("run-2")
        );

        Assert.Equal(
            new TrainingEnd(7, new TrainingResult("run-2", "mine", true, false, "mine")),
            end.ReadOutputAs<TrainingEnd>()
        );
        Assert.Single(_calls, c => c == "SubmitTraining");
    }

    [Theory]
    [InlineData(false, "No worker took the job within twice 00:00:01")]
    [InlineData(true, "The worker has been silent for twice 00:00:01")]
    public async Task Watch_WorkerThatDoesNotMove_IsGivenUpAtTheSecondLook(bool begun, string reason)
    {
        Given = new Answers { Deadline = TimeSpan.FromSeconds(1), Lines = begun ? 3 : 0 };
        var wait = new TrainingWait(new TrainingAttempt("run-3", "orchestrated", "dataset-1", "mine"), null, -1);

        OrchestrationMetadata end = await RunAsync(TrainingWatch.Name, wait, null, TrainingWatch.InstanceOf("run-3"));

        TrainingResult result = end.ReadOutputAs<TrainingEnd>()!.Result;
        Assert.False(result.Succeeded);
        Assert.StartsWith(reason, result.Error, StringComparison.Ordinal);
        Assert.Equal(2, _calls.Count(c => c == "ReadPulse"));
    }

    [Fact]
    public async Task Retraining_OfCorrections_NotesThemWhenTheRunIsPublished()
    {
        OrchestrationMetadata end = await RunAsync(
            RetrainProject.Name,
            new RetrainingInput("orchestrated", "feedback"),
            async (client, attempt) =>
                await client.RaiseEventAsync(
                    TrainingWatch.InstanceOf("run-1"),
                    TrainingWatch.Finished,
                    new TrainingResult("run-1", attempt, true, false, null),
                    Cancellation
                )
        );

        Assert.Equal(OrchestrationRuntimeStatus.Completed, end.RuntimeStatus);
        Assert.Equal(["PublishAdapter", "NoteUsedFeedback f1,f2"], _calls.TakeLast(2));
    }

    [Fact]
    public async Task Retraining_WithNothingToLearn_EndsWithoutARun()
    {
        Given = new Answers { NothingToLearn = true };

        OrchestrationMetadata end = await RunAsync(
            RetrainProject.Name,
            new RetrainingInput("orchestrated", "timer"),
            null
        );

        Assert.Equal(
            (OrchestrationRuntimeStatus.Completed, "PrepareRetraining"),
            (end.RuntimeStatus, string.Join(' ', _calls))
        );
    }

    /// <summary>A run whose worker succeeds.</summary>
    private Task<OrchestrationMetadata> TrainedAsync() =>
        RunAsync(
            AdapterPipeline.Name,
            Drop,
            async (client, attempt) =>
                await client.RaiseEventAsync(
                    TrainingWatch.InstanceOf("run-1"),
                    TrainingWatch.Finished,
                    new TrainingResult("run-1", attempt, true, false, null),
                    Cancellation
                )
        );

    /// <summary>Runs an orchestrator to its end.</summary>
    /// <param name="name">The orchestrator.</param>
    /// <param name="input">Its input.</param>
    /// <param name="worker">Called once when a job was submitted, with its attempt; <c>null</c>: no worker.</param>
    /// <param name="instanceId">The instance; <c>null</c>: the run's.</param>
    private async Task<OrchestrationMetadata> RunAsync(
        string name,
        object input,
        Func<DurableTaskClient, string, Task>? worker,
        string instanceId = "run-1-start"
    )
    {
        var submitted = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        _host = await DurableTaskTestHost.StartAsync(tasks => Register(tasks, submitted), null, Cancellation);
        await _host.Client.ScheduleNewOrchestrationInstanceAsync(
            name,
            input,
            new StartOrchestrationOptions(instanceId),
            Cancellation
        );
        Task<OrchestrationMetadata> end = _host.Client.WaitForInstanceCompletionAsync(
            instanceId,
            getInputsAndOutputs: true,
            Cancellation
        );
        if (worker is not null && await Task.WhenAny(submitted.Task, end) == submitted.Task)
        {
            await worker(_host.Client, await submitted.Task);
        }

        return await end.WaitAsync(TimeSpan.FromSeconds(90), Cancellation);
    }

    private void Register(DurableTaskRegistry tasks, TaskCompletionSource<string> submitted)
    {
        tasks.AddOrchestrator(
            AdapterPipeline.Name,
            () => new Orchestrator<PipelineInput, PipelineOutput>(AdapterPipeline.Run)
        );
        tasks.AddOrchestrator(
            DatasetGeneration.Name,
            () => new Orchestrator<PipelineInput, DatasetOutput>(DatasetGeneration.Run)
        );
        tasks.AddOrchestrator(TrainingWatch.Name, () => new Orchestrator<TrainingWait, TrainingEnd>(TrainingWatch.Run));
        tasks.AddOrchestrator(
            RetrainProject.Name,
            () => new Orchestrator<RetrainingInput, PipelineOutput?>(RetrainProject.Run)
        );
        T Said<T>(string call, T answer)
        {
            _calls.Enqueue(call);
            return answer;
        }

        int turns = 0;
        tasks.AddActivityFunc<DatasetToPlan, DatasetPlanned>(
            PlanDataset.Name,
            (_, plan) =>
                Said(
                    "PlanDataset",
                    new DatasetPlanned(plan.Input, plan.Instance, "dataset-1", 3, [], ["t"], true, Given.PlanFault)
                )
        );
        tasks.AddActivityFunc<DatasetPartInput, string?>(
            BuildDatasetPart.Name,
            (_, part) => Said("BuildDatasetPart", part.Part == 1 ? Given.PartFault : null)
        );
        tasks.AddActivityFunc<DatasetPlanned, SynthesisTurn>(
            SynthesizeRows.Name,
            (_, _) => Said("SynthesizeRows", new SynthesisTurn(++turns == 2, null))
        );
        tasks.AddActivityFunc<DatasetPlanned, DatasetOutput>(
            AssembleDataset.Name,
            (_, planned) => Said("AssembleDataset", new DatasetOutput(planned.DatasetId, null))
        );
        tasks.AddActivityFunc<DatasetPlanned, bool>(
            RemoveDatasetParts.Name,
            (_, _) => Said("RemoveDatasetParts", true)
        );
        tasks.AddActivityFunc<TrainingAttempt, SubmittedJob>(
            SubmitTraining.Name,
            (_, job) =>
            {
                submitted.TrySetResult(job.Attempt);
                return Said("SubmitTraining", new SubmittedJob(7, Given.Deadline, Given.Deadline, 0));
            }
        );
        tasks.AddActivityFunc<string, JobHeartbeat>(
            ReadHeartbeat.Name,
            (_, _) => Said("ReadPulse", new JobHeartbeat(Given.Lines, false))
        );
        tasks.AddActivityFunc<TrainingAttempt, string>(
            PublishAdapter.Name,
            (_, _) =>
            {
                _calls.Enqueue("PublishAdapter");
                return Given.Publication?.Invoke() ?? "v7 is the champion";
            }
        );
        tasks.AddActivityFunc<RunFailure, bool>(
            RecordFailure.Name,
            (_, failure) => Said($"RecordFailure {failure.RunId}: {failure.Error}", true)
        );
        tasks.AddActivityFunc<RetrainingInput, RetrainingPlan?>(
            PrepareRetraining.Name,
            (_, _) =>
                Said(
                    "PrepareRetraining",
                    Given.NothingToLearn
                        ? null
                        : new RetrainingPlan(Drop with { FeedbackBatch = "corrections.jsonl" }, ["f1", "f2"])
                )
        );
        tasks.AddActivityFunc<UsedFeedback, bool>(
            NoteUsedFeedback.Name,
            (_, used) => Said($"NoteUsedFeedback {string.Join(',', used.Ids)}", true)
        );
    }

    /// <summary>
    /// An orchestrator function as the registry takes it. (Its overload for functions has analyzers look for their
    /// source, which lies in another assembly.)
    /// </summary>
    private sealed class Orchestrator<TInput, TOutput>(Func<TaskOrchestrationContext, TInput, Task<TOutput>> run)
        : TaskOrchestrator<TInput, TOutput>
    {
        public override Task<TOutput> RunAsync(TaskOrchestrationContext context, TInput input) => run(context, input);
    }

    private sealed record Answers
    {
        public string? PlanFault { get; init; }
        public string? PartFault { get; init; }
        public TimeSpan Deadline { get; init; } = TimeSpan.FromHours(1);
        public int Lines { get; init; }
        public bool NothingToLearn { get; init; }
        public Func<string>? Publication { get; init; }
    }
}
