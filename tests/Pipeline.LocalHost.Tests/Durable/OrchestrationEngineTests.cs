using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Pipeline.LocalHost.Durable;

namespace Pipeline.LocalHost.Tests.Durable;

public sealed class OrchestrationEngineTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("pipeline-engine-").FullName;

    private string Database => Path.Combine(_folder, "history.db");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static TaskOptions Retry(int attempts) => TaskOptions.FromRetryPolicy(new RetryPolicy(attempts, TimeSpan.FromMilliseconds(20), 2));

    [Fact]
    public async Task Activities_InParallel_KeepTheirResults()
    {
        TestFunctions functions = new TestFunctions().AddActivity<int>("Square", n => n * n).Add("Sum", async context =>
        {
            int[] squares = await Task.WhenAll(Enumerable.Range(1, 20).Select(n => context.CallActivityAsync<int>("square", n)));
            return squares.Sum();
        });
        await using var engine = new TestEngine(Database, functions);

        OrchestrationMetadata done = await engine.RunAsync("Sum");

        Assert.Equal((OrchestrationRuntimeStatus.Completed, "2870"), (done.RuntimeStatus, done.SerializedOutput));
    }

    [Fact]
    public async Task Retry_ActivityThatFailsTwice_RunsThreeTimes()
    {
        int runs = 0;
        TestFunctions functions = new TestFunctions().AddActivity<string>("Flaky", _ => ++runs < 3 ? throw new InvalidOperationException("not yet") : (object)"ok")
            .Add("Main", async context => await context.CallActivityAsync<string>("Flaky", "x", Retry(5)));
        await using var engine = new TestEngine(Database, functions);

        OrchestrationMetadata done = await engine.RunAsync("Main");

        Assert.Equal(("\"ok\"", 3), (done.SerializedOutput, runs));
    }

    [Fact]
    public async Task Retry_UsedUp_FailsWithTheLastReason()
    {
        int runs = 0;
        TestFunctions functions = new TestFunctions().AddActivity<string>("Broken", object? (_) => throw new InvalidOperationException($"fault {++runs}"))
            .Add("Main", async context => await context.CallActivityAsync<string>("Broken", "x", Retry(3)));
        await using var engine = new TestEngine(Database, functions);

        OrchestrationMetadata done = await engine.RunAsync("Main");

        Assert.Equal((OrchestrationRuntimeStatus.Failed, 3), (done.RuntimeStatus, runs));
        Assert.Equal(typeof(TaskFailedException).FullName, done.FailureDetails!.ErrorType);
        Assert.Equal(("System.InvalidOperationException", "fault 3"), (done.FailureDetails.InnerFailure!.ErrorType, done.FailureDetails.InnerFailure.ErrorMessage));
    }

    [Fact]
    public async Task Child_ThatFails_IsCaughtByItsParent()
    {
        TestFunctions functions = new TestFunctions()
            .Add("Child", context => throw new InvalidOperationException("child broke on " + context.GetInput<string>()))
            .Add("Parent", async context =>
            {
                try
                {
                    return await context.CallSubOrchestratorAsync<string>("Child", "x");
                }
                catch (TaskFailedException fault)
                {
                    return $"{fault.TaskName}: {fault.FailureDetails.ErrorMessage}";
                }
            });
        await using var engine = new TestEngine(Database, functions);

        Assert.Equal("\"Child: child broke on x\"", (await engine.RunAsync("Parent")).SerializedOutput);
    }

    [Fact]
    public async Task Events_EarlyAndInAnotherCase_AreKeptInOrder()
    {
        TestFunctions functions = new TestFunctions().Add("Main", async context =>
        {
            await context.CreateTimer(TimeSpan.FromMilliseconds(300), CancellationToken.None);
            return new[] { await context.WaitForExternalEvent<int>("Go"), await context.WaitForExternalEvent<int>("gO") };
        });
        await using var engine = new TestEngine(Database, functions);
        string id = await engine.Client.ScheduleNewOrchestrationInstanceAsync("Main", cancellation: TestContext.Current.CancellationToken);

        await engine.Client.RaiseEventAsync(id, "GO", 1, TestContext.Current.CancellationToken);
        await engine.Client.RaiseEventAsync(id, "go", 2, TestContext.Current.CancellationToken);

        Assert.Equal("[1,2]", (await engine.WaitAsync(id)).SerializedOutput);
    }

    [Fact]
    public async Task WaitForExternalEvent_TimeRunsOut_ThrowsAndTheNextWaitStillWorks()
    {
        TestFunctions functions = new TestFunctions().Add("Main", async context =>
        {
            try
            {
                await context.WaitForExternalEvent<int>("Go", TimeSpan.FromMilliseconds(100));
            }
            catch (TaskCanceledException)
            {
                context.SetCustomStatus("late");
                return await context.WaitForExternalEvent<int>("Go", TimeSpan.FromSeconds(10));
            }

            return -1;
        });
        await using var engine = new TestEngine(Database, functions);
        string id = await engine.Client.ScheduleNewOrchestrationInstanceAsync("Main", cancellation: TestContext.Current.CancellationToken);
        while ((await engine.Client.GetInstanceAsync(id, cancellation: TestContext.Current.CancellationToken))!.SerializedCustomStatus != "\"late\"")
        {
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }

        await engine.Client.RaiseEventAsync(id, "Go", 7, TestContext.Current.CancellationToken);

        Assert.Equal("7", (await engine.WaitAsync(id)).SerializedOutput);
    }

    [Fact]
    public async Task ContinueAsNew_KeepsUnprocessedEventsAndAShortHistory()
    {
        TestFunctions functions = new TestFunctions().AddActivity<int>("Add", n => n + 1).Add("Loop", async context =>
        {
            int n = await context.CallActivityAsync<int>("Add", context.GetInput<int>());
            if (n < 50)
            {
                context.ContinueAsNew(n);
                return null;
            }

            return await context.WaitForExternalEvent<string>("End");
        });
        await using var engine = new TestEngine(Database, functions);
        string id = await engine.Client.ScheduleNewOrchestrationInstanceAsync("Loop", 0, cancellation: TestContext.Current.CancellationToken);
        await engine.Client.RaiseEventAsync(id, "End", "done", TestContext.Current.CancellationToken);

        Assert.Equal("\"done\"", (await engine.WaitAsync(id)).SerializedOutput);
        Assert.InRange(engine.Store.Load(id, DateTimeOffset.MaxValue).Past.Count, 1, 12);
    }

    [Fact]
    public async Task Restart_InTheMiddle_GoesOnAndRunsNoFinishedActivityAgain()
    {
        int first = 0;
        var gate = new TaskCompletionSource();
        TestFunctions functions = new TestFunctions().AddActivity<string>("First", _ => $"first {++first}")
            .Add("Main", async context =>
            {
                string one = await context.CallActivityAsync<string>("First", "");
                string two = await context.WaitForExternalEvent<string>("Go") ?? "";
                return one + ", " + two;
            });
        string id;
        await using (var engine = new TestEngine(Database, functions))
        {
            id = await engine.Client.ScheduleNewOrchestrationInstanceAsync("Main", cancellation: TestContext.Current.CancellationToken);
            while (engine.Store.Load(id, DateTimeOffset.MaxValue).Past.All(e => e.Kind != HistoryKind.ActivityCompleted))
            {
                await Task.Delay(10, TestContext.Current.CancellationToken);
            }
        }

        await using var again = new TestEngine(Database, functions);
        await again.Client.RaiseEventAsync(id, "Go", "second", TestContext.Current.CancellationToken);

        Assert.Equal(("\"first 1, second\"", 1), ((await again.WaitAsync(id)).SerializedOutput, first));
    }

    [Fact]
    public async Task Replay_CodeThatChanged_FailsWithBothNames()
    {
        TestFunctions Functions(string activity) => new TestFunctions().AddActivity<string>("Old", _ => "").AddActivity<string>("New", _ => "")
            .Add("Main", async context =>
            {
                await context.CallActivityAsync(activity);
                return await context.WaitForExternalEvent<string>("Go");
            });
        string id;
        await using (var engine = new TestEngine(Database, Functions("Old")))
        {
            id = await engine.Client.ScheduleNewOrchestrationInstanceAsync("Main", cancellation: TestContext.Current.CancellationToken);
            while (engine.Store.Load(id, DateTimeOffset.MaxValue).Past.All(e => e.Kind != HistoryKind.ActivityCompleted))
            {
                await Task.Delay(10, TestContext.Current.CancellationToken);
            }
        }

        await using var changed = new TestEngine(Database, Functions("New"));
        await changed.Client.RaiseEventAsync(id, "Go", "x", TestContext.Current.CancellationToken);

        OrchestrationMetadata done = await changed.WaitAsync(id);
        Assert.Equal(OrchestrationRuntimeStatus.Failed, done.RuntimeStatus);
        Assert.Contains("'New' where the history has ActivityScheduled 'Old'", done.FailureDetails!.ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task IllegalAwait_FailsTheInstanceInsteadOfHangingIt()
    {
        TestFunctions functions = new TestFunctions().Add("Main", async _ =>
        {
            await Task.Delay(10_000);
            return null;
        });
        await using var engine = new TestEngine(Database, functions);

        OrchestrationMetadata done = await engine.RunAsync("Main");

        Assert.Contains("awaits something that is not its context's", done.FailureDetails!.ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task IllegalAwait_BesideOpenTasks_FailsTheInstanceInsteadOfHangingIt()
    {
        TestFunctions functions = new TestFunctions().Add("Main", async context =>
        {
            Task hour = context.CreateTimer(TimeSpan.FromHours(1), CancellationToken.None);
            await Task.Delay(100);
            await hour;
            return null;
        });
        await using var engine = new TestEngine(Database, functions);

        OrchestrationMetadata done = await engine.RunAsync("Main");

        Assert.Contains("awaits something that is not its context's", done.FailureDetails!.ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task IllegalAwait_OfATaskOfItsOwn_FailsTheInstance()
    {
        TestFunctions functions = new TestFunctions().Add("Main", async context =>
        {
            Task hour = context.CreateTimer(TimeSpan.FromHours(1), CancellationToken.None);
            await Task.Run(() => Thread.Sleep(100)); // never over before it is awaited
            await hour;
            return null;
        });
        await using var engine = new TestEngine(Database, functions);

        Assert.Equal(OrchestrationRuntimeStatus.Failed, (await engine.RunAsync("Main")).RuntimeStatus);
    }

    [Fact]
    public async Task Start_IdThatRuns_IsRefusedAndOneThatEndedIsReplaced()
    {
        TestFunctions functions = new TestFunctions().Add("Wait", async context => await context.WaitForExternalEvent<string>("Go")).Add("Echo", context => Task.FromResult<object?>(context.GetInput<string>()));
        await using var engine = new TestEngine(Database, functions);
        await engine.Client.ScheduleNewOrchestrationInstanceAsync("Wait", null, new StartOrchestrationOptions("one"), TestContext.Current.CancellationToken);

        await Assert.ThrowsAsync<InvalidOperationException>(() => engine.Client.ScheduleNewOrchestrationInstanceAsync("Echo", "b", new StartOrchestrationOptions("one"), TestContext.Current.CancellationToken));
        await engine.Client.TerminateInstanceAsync("one", "stopped", TestContext.Current.CancellationToken);
        Assert.Equal(OrchestrationRuntimeStatus.Terminated, (await engine.WaitAsync("one")).RuntimeStatus);
        Assert.Equal("\"b\"", (await engine.RunAsync("Echo", "b", "one")).SerializedOutput);
    }

    /// <summary>A turn that was under way when its instance was terminated and another started under the id leaves that one alone.</summary>
    [Fact]
    public void Commit_TurnOfAnEarlierLife_ChangesNothing()
    {
        using var store = new HistoryStore(Database);
        DateTimeOffset now = DateTimeOffset.UtcNow;
        store.Create("one", "Wait", null, now, now);
        (InstanceRow? earlier, IReadOnlyList<HistoryEvent> past, IReadOnlyList<InboxItem> inbox) = store.Load("one", now);
        store.Terminate("one", null, false, now);
        store.Create("one", "Echo", "\"b\"", now, now); // in the same moment

        store.Commit(earlier!, past.Count, [new HistoryEvent(HistoryKind.Turn, -1, null, null, now.UtcDateTime), .. inbox.Select(i => i.Event)], inbox, new TurnResult { Scheduled = [], End = TurnEnd.Waiting }, now);

        (InstanceRow? instance, past, inbox) = store.Load("one", now);
        Assert.Equal(("Echo", 0, "\"b\""), (instance!.Name, past.Count, Assert.Single(inbox).Event.Payload));
    }

    [Fact]
    public async Task Orchestrator_ThatIsUnknown_FailsByName()
    {
        await using var engine = new TestEngine(Database, new TestFunctions());

        Assert.Contains("No orchestrator task named 'Nobody'", (await engine.RunAsync("Nobody")).FailureDetails!.ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Terminate_Child_FailsItsParentInsteadOfLeavingItWaiting()
    {
        TestFunctions functions = new TestFunctions().Add("Child", async context => await context.WaitForExternalEvent<string>("Never"))
            .Add("Parent", async context => await context.CallSubOrchestratorAsync<string>("Child", null, new SubOrchestrationOptions(null, "the-child")));
        await using var engine = new TestEngine(Database, functions);
        string id = await engine.Client.ScheduleNewOrchestrationInstanceAsync("Parent", cancellation: TestContext.Current.CancellationToken);
        while (await engine.Client.GetInstanceAsync("the-child", cancellation: TestContext.Current.CancellationToken) is null)
        {
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        await engine.Client.TerminateInstanceAsync("the-child", "stop", TestContext.Current.CancellationToken);

        OrchestrationMetadata done = await engine.WaitAsync(id);
        Assert.Equal(OrchestrationRuntimeStatus.Failed, done.RuntimeStatus);
        Assert.Contains("'the-child' was terminated", done.FailureDetails!.ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Restarted_Instance_TakesNoResultOfItsEarlierLife()
    {
        var release = new TaskCompletionSource();
        int run = 0;
        TestFunctions functions = new TestFunctions()
            .AddActivity<string>("Slow", async _ =>
            {
                int mine = Interlocked.Increment(ref run);
                if (mine == 1)
                {
                    await release.Task;
                }

                return $"life {mine}";
            })
            .Add("Main", async context =>
            {
                string said = await context.CallActivityAsync<string>("Slow", "");
                await context.WaitForExternalEvent<string>("End");
                return said;
            });
        await using var engine = new TestEngine(Database, functions);
        await engine.Client.ScheduleNewOrchestrationInstanceAsync("Main", null, new StartOrchestrationOptions("again"), TestContext.Current.CancellationToken);
        while (run == 0)
        {
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        await engine.Client.TerminateInstanceAsync("again", null, TestContext.Current.CancellationToken);
        await engine.Client.ScheduleNewOrchestrationInstanceAsync("Main", null, new StartOrchestrationOptions("again"), TestContext.Current.CancellationToken);
        while (run == 1)
        {
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        release.SetResult();
        await engine.Client.RaiseEventAsync("again", "End", "", TestContext.Current.CancellationToken);

        Assert.Equal("\"life 2\"", (await engine.WaitAsync("again")).SerializedOutput);
    }
}
