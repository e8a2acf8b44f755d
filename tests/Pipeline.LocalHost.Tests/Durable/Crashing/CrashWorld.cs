using System.Collections.Concurrent;
using Pipeline.Contracts;
using Pipeline.Registry.Promotion;

namespace Pipeline.LocalHost.Tests.Durable.Crashing;

/// <summary>What outlives a crash beside the history: storage, queues and the worker. Everything in it is written as the real activities write: by keys, so that twice is once.</summary>
internal sealed class CrashWorld
{
    public object Gate { get; } = new();

    public SortedDictionary<string, string> Blobs { get; } = new(StringComparer.Ordinal);
    public SortedDictionary<string, string> Runs { get; } = new(StringComparer.Ordinal);
    public RegistryPointer Registry { get; set; } = new() { Project = "crash" };

    /// <summary>Jobs that wait for the worker: run and attempt.</summary>
    public Queue<TrainingRequest> Jobs { get; } = new();

    /// <summary>Words of the worker that wait to be passed on.</summary>
    public Queue<TrainingResult> Results { get; } = new();

    /// <summary>How often each attempt was trained; a second message finds the work done.</summary>
    public Dictionary<string, int> Trained { get; } = new(StringComparer.Ordinal);

    /// <summary>Looks that were taken at the worker's progress.</summary>
    public int Looks { get; set; }

    /// <summary>Activities begun so far, by name.</summary>
    public ConcurrentDictionary<string, int> Begun { get; } = new(StringComparer.Ordinal);

    /// <summary>All that a run has left, in one text.</summary>
    public string Left() => string.Join('\n', Blobs.Select(b => $"{b.Key}={b.Value}").Concat(Runs.Select(r => $"run {r.Key}={r.Value}"))
        .Append($"allotted {string.Join(',', Registry.Allotted.OrderBy(a => a.Key, StringComparer.Ordinal).Select(a => $"{a.Key}:{a.Value}"))}")
        .Append($"published {string.Join(',', Registry.Published)} champion {Registry.Champion} used {string.Join(',', Registry.UsedFeedback)}")
        .Append($"trained {string.Join(',', Trained.Values)}"));

    /// <summary>The worker takes its next job, as often as it is sent, and does the work once.</summary>
    public void Work()
    {
        lock (Gate)
        {
            while (Jobs.TryDequeue(out TrainingRequest? request))
            {
                if (!Trained.ContainsKey(request.Attempt))
                {
                    Trained[request.Attempt] = 1;
                    Blobs[$"adapter of {request.RunId}"] = "weights";
                }

                Results.Enqueue(new TrainingResult(request.RunId, request.Attempt, true, false, null));
            }
        }
    }

    public void Update(Func<RegistryPointer, RegistryPointer> change)
    {
        lock (Gate)
        {
            Registry = change(Registry);
        }
    }

    public int Allot(string runId)
    {
        Update(r => VersionLedger.Allot(r, runId));
        return Registry.Allotted[runId];
    }
}
