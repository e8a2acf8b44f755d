using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Testing;
using Pipeline.Contracts;
using Pipeline.Functions.Datasets;
using Pipeline.Functions.Durable;
using Pipeline.Functions.Projects;
using Pipeline.Functions.Retraining;
using Pipeline.Functions.Runs;
using Pipeline.Functions.Training;

namespace Pipeline.LocalHost.Tests.Orchestrations;

/// <summary>
/// The real orchestrators on Microsoft's in-process test host, over activities that record their calls and return what
/// a test sets.
/// </summary>
public sealed class OrchestratorTests : IAsyncDisposable
{
    internal static readonly PipelineInput Drop = new("run-1", "orchestrated", "a.csv", null, RunTrigger.Drop);
    private readonly ScriptedTasks _tasks = new();
    private DurableTaskTestHost? _host;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

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
            _tasks.Calls
        );
    }

    [Theory]
    [InlineData("All rows were rejected.", null, null)]
    [InlineData(null, "The text has no column.", null)]
    [InlineData(null, null, "The adapter fails its proof.")]
    public async Task Run_ThatCannotGoOn_RecordsWhyAndPublishesNothing(
        string? planFault,
        string? partFault,
        string? trainingFault
    )
    {
        _tasks.Script = new ActivityScript { PlanFault = planFault, PartFault = partFault };

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
        Assert.Equal($"RecordFailure run-1: {planFault ?? partFault ?? trainingFault}", _tasks.Calls.Last());
        Assert.DoesNotContain("PublishAdapter", _tasks.Calls);
        // the parts are removed, however they ended
        Assert.Equal(planFault is null, _tasks.Calls.Contains("RemoveDatasetParts"));
    }

    [Fact]
    public async Task Activity_RunFailedException_IsNotRetried()
    {
        _tasks.Script = new ActivityScript { Publication = () => throw new RunFailedException("A file is missing.") };

        OrchestrationMetadata end = await TrainedAsync();

        Assert.Equal(OrchestrationRuntimeStatus.Failed, end.RuntimeStatus);
        Assert.Equal(["PublishAdapter", "RecordFailure run-1: A file is missing."], _tasks.Calls.TakeLast(2));
        Assert.Single(_tasks.Calls, c => c == "PublishAdapter");
    }

    [Fact]
    public async Task Activity_StorageFault_IsRetried()
    {
        int tries = 0;
        _tasks.Script = new ActivityScript
        {
            Publication = () => ++tries < 2 ? throw new IOException("Storage is away.") : "v7 is the champion",
        };

        OrchestrationMetadata end = await TrainedAsync();

        Assert.Equal((OrchestrationRuntimeStatus.Completed, 2), (end.RuntimeStatus, tries));
    }

    /// <summary>
    /// The results of earlier attempts come first, and then this one's, before and after the watch continues as new.
    /// </summary>
    [Fact]
    public async Task Watch_ResultOfAnEarlierAttempt_WaitsForItsOwn()
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
        Assert.Single(_tasks.Calls, c => c == "SubmitTraining");
    }

    [Theory]
    [InlineData(false, "No worker took the job within twice 00:00:01")]
    [InlineData(true, "The worker has been silent for twice 00:00:01")]
    public async Task Watch_WorkerWithoutProgress_IsGivenUpAtTheSecondPoll(bool begun, string reason)
    {
        _tasks.Script = new ActivityScript { Deadline = TimeSpan.FromSeconds(1), Lines = begun ? 3 : 0 };
        var wait = new TrainingWait(new TrainingAttempt("run-3", "orchestrated", "dataset-1", "mine"), null, -1);

        OrchestrationMetadata end = await RunAsync(TrainingWatch.Name, wait, null, TrainingWatch.InstanceOf("run-3"));

        TrainingResult result = end.ReadOutputAs<TrainingEnd>()!.Result;
        Assert.False(result.Succeeded);
        Assert.StartsWith(reason, result.Error, StringComparison.Ordinal);
        Assert.Equal(2, _tasks.Calls.Count(c => c == "ReadPulse"));
    }

    [Fact]
    public async Task Retraining_OfCorrections_NotesThemWhenTheRunIsPublished()
    {
        OrchestrationMetadata end = await RunAsync(
            RetrainProject.Name,
            new RetrainingInput("orchestrated", RunTrigger.Feedback),
            async (client, attempt) =>
                await client.RaiseEventAsync(
                    TrainingWatch.InstanceOf("run-1"),
                    TrainingWatch.Finished,
                    new TrainingResult("run-1", attempt, true, false, null),
                    Cancellation
                )
        );

        Assert.Equal(OrchestrationRuntimeStatus.Completed, end.RuntimeStatus);
        Assert.Equal(["PublishAdapter", "NoteUsedFeedback 2026-11-30:7"], _tasks.Calls.TakeLast(2));
    }

    [Fact]
    public async Task Retraining_WithoutCorrections_EndsWithoutARun()
    {
        _tasks.Script = new ActivityScript { NoRetraining = true };

        OrchestrationMetadata end = await RunAsync(
            RetrainProject.Name,
            new RetrainingInput("orchestrated", RunTrigger.Timer),
            null
        );

        Assert.Equal(
            (OrchestrationRuntimeStatus.Completed, "PrepareRetraining"),
            (end.RuntimeStatus, string.Join(' ', _tasks.Calls))
        );
    }

    /// <summary>
    /// Texts without answers: the run waits for the event, or to its deadline, and what becomes of it then is a
    /// setting.
    /// </summary>
    [Theory]
    [InlineData(true, DeadlinePolicy.Stop, OrchestrationRuntimeStatus.Completed)]
    [InlineData(false, DeadlinePolicy.Train, OrchestrationRuntimeStatus.Completed)]
    [InlineData(false, DeadlinePolicy.Stop, OrchestrationRuntimeStatus.Failed)]
    public async Task Run_TextsWithoutAnswers_WaitsForPeople(
        bool given,
        DeadlinePolicy policy,
        OrchestrationRuntimeStatus status
    )
    {
        DateTime until = DateTime.UtcNow.AddSeconds(given ? 3600 : 2);
        _tasks.Script = new ActivityScript { AnswerWait = new AnswerWait(until, policy, IsEnough: false) };
        Task<OrchestrationMetadata> run = TrainedAsync();
        for (int i = 0; !_tasks.Calls.Contains("BeginAnswerWait") && !run.IsCompleted; i++)
        {
            Assert.True(i < 400, string.Join(", ", _tasks.Calls));
            await Task.Delay(50, Cancellation);
        }

        if (given)
        {
            await _host!.Client.RaiseEventAsync(
                DatasetGeneration.InstanceOf("run-1"),
                AnswerWait.Given,
                "enough",
                Cancellation
            );
        }

        Assert.Equal(status, (await run).RuntimeStatus);
        Assert.Equal(
            status == OrchestrationRuntimeStatus.Completed ? 2 : 1,
            _tasks.Calls.Count(c => c == "PlanDataset")
        );
        if (status == OrchestrationRuntimeStatus.Failed)
        {
            Assert.Contains("review.waitHours", _tasks.Calls.Last(), StringComparison.Ordinal);
        }
    }

    /// <summary>A retraining has its corrections in its id, and others wait for it: it trains on what there
    /// is.</summary>
    [Fact]
    public async Task Run_ThatCorrectionsHaveStarted_DoesNotWaitForMore()
    {
        _tasks.Script = new ActivityScript
        {
            AnswerWait = new AnswerWait(DateTime.UtcNow.AddHours(1), DeadlinePolicy.Stop, IsEnough: false),
        };

        OrchestrationMetadata end = await TrainedAsync(Drop with { Trigger = RunTrigger.Feedback });

        Assert.Equal(OrchestrationRuntimeStatus.Completed, end.RuntimeStatus);
        Assert.DoesNotContain("BeginAnswerWait", _tasks.Calls);
    }

    /// <summary>A run whose worker succeeds.</summary>
    private Task<OrchestrationMetadata> TrainedAsync(PipelineInput? input = null) =>
        RunAsync(
            AdapterPipeline.Name,
            input ?? Drop,
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
        _host = await DurableTaskTestHost.StartAsync(_tasks.Register, null, Cancellation);
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
        if (worker is not null && await Task.WhenAny(_tasks.Submitted, end) == _tasks.Submitted)
        {
            await worker(_host.Client, await _tasks.Submitted);
        }

        return await end.WaitAsync(TimeSpan.FromSeconds(90), Cancellation);
    }
}
