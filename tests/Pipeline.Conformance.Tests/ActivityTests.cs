using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Testing;
using static Pipeline.Conformance.Tests.ConformanceHost;

namespace Pipeline.Conformance.Tests;

public sealed class ActivityTests
{
    public sealed record Order(string Name, int? Count, IReadOnlyList<string> Parts);

    [Fact]
    public async Task Activities_InARow_PassTheirResultsOn()
    {
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks
            .AddActivityFunc<int, int>("Add", (_, n) => n + 1)
            .AddOrchestratorFunc<int, int>("Main", async (context, n) =>
            {
                for (int i = 0; i < 10; i++)
                {
                    n = await context.CallActivityAsync<int>("Add", n);
                }

                return n;
            }));

        OrchestrationMetadata done = await host.RunAsync("Main", 5);

        Assert.Equal((OrchestrationRuntimeStatus.Completed, "15", "5", "Main"), (done.RuntimeStatus, done.SerializedOutput, done.SerializedInput, done.Name));
    }

    [Fact]
    public async Task Activities_InParallel_KeepTheOrderOfTheCalls()
    {
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks
            .AddActivityFunc<int, int>("Square", async (_, n) =>
            {
                await Task.Delay((20 - n) * 3, CancellationToken.None); // the later call ends first
                return n * n;
            })
            .AddOrchestratorFunc<int[]>("Main", context => Task.WhenAll(Enumerable.Range(1, 20).Select(n => context.CallActivityAsync<int>("Square", n)))));

        Assert.Equal("[1,4,9,16,25,36,49,64,81,100,121,144,169,196,225,256,289,324,361,400]", (await host.RunAsync("Main")).SerializedOutput);
    }

    [Fact]
    public async Task Activities_InParallel_CompleteInTheOrderInWhichTheyEnd()
    {
        var gates = new Dictionary<string, TaskCompletionSource> { ["a"] = new(), ["b"] = new(), ["c"] = new() };
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks
            .AddActivityFunc<string, string>("Wait", async (_, name) =>
            {
                await gates[name].Task;
                return name;
            })
            .AddOrchestratorFunc<string>("Main", async context =>
            {
                List<Task<string>> open = [.. gates.Keys.Select(n => context.CallActivityAsync<string>("Wait", n))];
                string order = "";
                while (open.Count > 0)
                {
                    Task<string> first = await Task.WhenAny(open);
                    open.Remove(first);
                    order += await first;
                    context.SetCustomStatus(order);
                }

                return order;
            }));
        string id = await host.BeginAsync("Main");

        gates["b"].SetResult();
        await host.UntilAsync(id, m => m.SerializedCustomStatus == "\"b\"");
        gates["c"].SetResult();
        await host.UntilAsync(id, m => m.SerializedCustomStatus == "\"bc\"");
        gates["a"].SetResult();

        Assert.Equal("\"bca\"", (await host.EndAsync(id)).SerializedOutput);
    }

    [Fact]
    public async Task Payloads_Records_TravelThereAndBack()
    {
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks
            .AddActivityFunc<Order, Order>("Grow", (_, order) => order with { Count = (order.Count ?? 0) + 1, Parts = [.. order.Parts, "ü\"<>"] })
            .AddOrchestratorFunc<Order, Order>("Main", async (context, order) => await context.CallActivityAsync<Order>("Grow", order)));

        OrchestrationMetadata done = await host.RunAsync("Main", new Order("x", null, ["p"]));

        Order result = System.Text.Json.JsonSerializer.Deserialize<Order>(done.SerializedOutput!)!;
        Assert.Equal(("x", 1, "p,ü\"<>"), (result.Name, result.Count, string.Join(',', result.Parts)));
        Assert.Contains("\"Name\":\"x\"", done.SerializedOutput, StringComparison.Ordinal); // PascalCase on the wire
    }

    [Fact]
    public async Task Payloads_Nothing_IsNull()
    {
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks
            .AddActivityFunc<string?, string?>("Echo", (_, text) => text)
            .AddOrchestratorFunc<bool>("Main", async context => await context.CallActivityAsync<string?>("Echo") is null && context.GetInput<string>() is null));

        Assert.Equal("true", (await host.RunAsync("Main")).SerializedOutput);
    }

    [Fact]
    public async Task Names_OtherCase_IsTheSameFunction()
    {
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks
            .AddActivityFunc<int, int>("Add", (_, n) => n + 1)
            .AddOrchestratorFunc<int>("Main", async context => await context.CallActivityAsync<int>("aDD", 1)));

        Assert.Equal("2", (await host.RunAsync("MAIN")).SerializedOutput);
    }

    [Fact]
    public async Task Failure_OfAnActivity_HoldsNameNumberTypeMessageAndCause()
    {
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks
            .AddActivityFunc<string, string>("Break", (_, text) => Fail<string>(new InvalidOperationException("broke on " + text, new FormatException("the cause"))))
            .AddOrchestratorFunc<string>("Main", async context =>
            {
                try
                {
                    return await context.CallActivityAsync<string>("Break", "x");
                }
                catch (TaskFailedException fault)
                {
                    TaskFailureDetails details = fault.FailureDetails;
                    return $"{fault.TaskName}|{fault.TaskId}|{fault.Message}|{details.ErrorType}|{details.ErrorMessage}|{details.InnerFailure!.ErrorType}|{details.InnerFailure.ErrorMessage}";
                }
            }));

        Assert.Equal(
            "\"Break|0|Task \\u0027Break\\u0027 (#0) failed with an unhandled exception: broke on x|System.InvalidOperationException|broke on x|System.FormatException|the cause\"",
            (await host.RunAsync("Main")).SerializedOutput);
    }

    [Fact]
    public async Task Failure_NotCaught_FailsTheOrchestrationWithItsCause()
    {
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks
            .AddActivityFunc<string, string>("Break", (_, _) => Fail<string>(new InvalidOperationException("broke")))
            .AddOrchestratorFunc<string>("Main", async context => await context.CallActivityAsync<string>("Break")));

        OrchestrationMetadata done = await host.RunAsync("Main");

        Assert.Equal((OrchestrationRuntimeStatus.Failed, true, false), (done.RuntimeStatus, done.IsCompleted, done.IsRunning));
        Assert.Equal((typeof(TaskFailedException).FullName, "Task 'Break' (#0) failed with an unhandled exception: broke"), (done.FailureDetails!.ErrorType, done.FailureDetails.ErrorMessage));
        Assert.Equal(("System.InvalidOperationException", "broke"), (done.FailureDetails.InnerFailure!.ErrorType, done.FailureDetails.InnerFailure.ErrorMessage));
    }

    [Fact]
    public async Task Failure_OfTheOrchestrator_HoldsTypeMessageAndCause()
    {
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks
            .AddOrchestratorFunc<string>("Main", _ => Fail<string>(new ArgumentException("no", new FormatException("because")))));

        OrchestrationMetadata done = await host.RunAsync("Main");

        Assert.Equal((OrchestrationRuntimeStatus.Failed, "System.ArgumentException", "no"), (done.RuntimeStatus, done.FailureDetails!.ErrorType, done.FailureDetails.ErrorMessage));
        Assert.Equal("System.FormatException", done.FailureDetails.InnerFailure!.ErrorType);
        Assert.Null(done.SerializedOutput);
    }

    [Fact]
    public async Task Failure_OfOneOfMany_LeavesTheOthersTheirResults()
    {
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks
            .AddActivityFunc<int, int>("Odd", (_, n) => n % 2 == 1 ? n : throw new InvalidOperationException($"{n} is even"))
            .AddOrchestratorFunc<string>("Main", async context =>
            {
                Task<int>[] calls = [.. Enumerable.Range(1, 5).Select(n => context.CallActivityAsync<int>("Odd", n))];
                try
                {
                    await Task.WhenAll(calls);
                    return "none failed";
                }
                catch (TaskFailedException)
                {
                    return string.Join(',', calls.Select(c => c.IsCompletedSuccessfully ? $"{c.Result}" : "x"));
                }
            }));

        Assert.Equal("\"1,x,3,x,5\"", (await host.RunAsync("Main")).SerializedOutput);
    }

    [Fact]
    public async Task Activity_ThatIsUnknown_FailsByNameAndIsNotRetried()
    {
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks
            .AddOrchestratorFunc<string>("Main", async context => await context.CallActivityAsync<string>("Nobody", null, Retry(5, 60_000))));

        OrchestrationMetadata done = await host.RunAsync("Main");

        Assert.Equal((OrchestrationRuntimeStatus.Failed, "ActivityTaskNotFound"), (done.RuntimeStatus, done.FailureDetails!.InnerFailure!.ErrorType));
        Assert.Contains("Nobody", done.FailureDetails.ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Orchestrator_ThatIsUnknown_FailsByName()
    {
        await using DurableTaskTestHost host = await StartAsync(_ => { });

        OrchestrationMetadata done = await host.RunAsync("Nobody");

        Assert.Equal((OrchestrationRuntimeStatus.Failed, "OrchestratorTaskNotFound"), (done.RuntimeStatus, done.FailureDetails!.ErrorType));
        Assert.Contains("Nobody", done.FailureDetails.ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Activity_ThatNobodyAwaits_RunsAllTheSame()
    {
        var ran = new TaskCompletionSource();
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks
            .AddActivityFunc<string?, bool>("Side", (_, _) => ran.TrySetResult())
            .AddOrchestratorFunc<string>("Main", context =>
            {
                _ = context.CallActivityAsync<bool>("Side");
                return Task.FromResult("done");
            }));

        Assert.Equal("\"done\"", (await host.RunAsync("Main")).SerializedOutput);
        await ran.Task.WaitAsync(TimeSpan.FromSeconds(20), Cancellation);
    }
}
