using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Logging.Abstractions;
using Pipeline.Contracts;
using Pipeline.Functions.Orchestrations;
using Pipeline.LocalHost.Durable;

namespace Pipeline.LocalHost.Tests.Durable.Crashing;

/// <summary>Runs a scenario to its end, with one crash on the way, and tells what it left.</summary>
internal sealed class CrashRun(CrashScenario scenario, CommitPhase phase, int crashAt)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);
    private readonly CrashWorld _world = new();
    private readonly FastTime _time = new();
    private int _commits;

    /// <summary>Commits that there were.</summary>
    public int Commits => _commits;

    /// <summary>Whether it came to the crash.</summary>
    public bool Crashed { get; private set; }

    /// <summary>Lives that the host had.</summary>
    public int Lives { get; private set; }

    /// <summary>Runs it.</summary>
    /// <returns>The instance's end and all that is left.</returns>
    public async Task<string> RunAsync()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("pipeline-crash-");
        try
        {
            using var limit = new CancellationTokenSource(Limit);
            while (true)
            {
                Lives++;
                if (await LiveAsync(Path.Combine(folder.FullName, "history.db"), limit.Token) is { } end)
                {
                    return $"{end.RuntimeStatus} {end.SerializedOutput} {end.FailureDetails?.ErrorMessage}\n{_world.Left()}";
                }
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <returns>The end; <c>null</c>: this life ended in a crash.</returns>
    private async Task<OrchestrationMetadata?> LiveAsync(string database, CancellationToken cancellation)
    {
        var functions = new CrashFunctions(_world, scenario);
        bool dead = false;
        using var store = new HistoryStore(database, at =>
        {
            if (at == phase && !dead && !Crashed && Interlocked.Increment(ref _commits) == crashAt)
            {
                Crashed = dead = true;
                functions.Die();
            }

            if (dead)
            {
                throw new CrashException();
            }
        });
        await using var engine = new OrchestrationEngine(store, functions, _time, NullLogger<OrchestrationEngine>.Instance);
        var client = new EmbeddedDurableTaskClient(store, engine, _time);
        engine.Start();
        try
        {
            if (await client.GetInstanceAsync(scenario.InstanceId, false, cancellation) is null)
            {
                await client.ScheduleNewOrchestrationInstanceAsync(scenario.Orchestrator, scenario.Input, new StartOrchestrationOptions(scenario.InstanceId), cancellation);
            }

            while (!Volatile.Read(ref dead))
            {
                if (await client.GetInstanceAsync(scenario.InstanceId, true, cancellation) is { IsCompleted: true } end)
                {
                    return end;
                }

                await PassOnAsync(client, cancellation);
                await Task.Delay(1, cancellation);
            }
        }
        catch (CrashException)
        {
            // the process is gone
        }

        return null;
    }

    /// <summary>The worker works, and its words are passed on: taken from the queue only when that is done.</summary>
    private async Task PassOnAsync(DurableTaskClient client, CancellationToken cancellation)
    {
        if (_world.Looks < scenario.LooksBeforeTheEnd)
        {
            return;
        }

        _world.Work();
        TrainingResult? word;
        lock (_world.Gate)
        {
            _world.Results.TryPeek(out word);
        }

        if (word is not null)
        {
            await client.RaiseEventAsync(TrainingWatch.InstanceOf(word.RunId), TrainingWatch.Finished, word, cancellation);
            lock (_world.Gate)
            {
                _world.Results.Dequeue();
            }
        }
    }
}

/// <summary>The process is gone.</summary>
internal sealed class CrashException : Exception;
