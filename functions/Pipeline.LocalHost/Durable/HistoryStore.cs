using Microsoft.Data.Sqlite;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace Pipeline.LocalHost.Durable;

/// <summary>What the engine keeps. Each public method is one transaction: either all of it has happened, or nothing.</summary>
public sealed class HistoryStore : IDisposable
{
    private const string Ready = "(0, 6)"; // Running and Pending; a suspended one rests with all that comes in

    private readonly HistoryDatabase _database;

    /// <summary>Opens a history, or begins one.</summary>
    /// <param name="path">The database file.</param>
    /// <param name="atCommit">Called around every commit; what it throws stops the engine there. For tests.</param>
    public HistoryStore(string path, Action<CommitPhase>? atCommit = null)
    {
        _database = new HistoryDatabase(path, atCommit);
    }

    /// <summary>Starts an instance. One of the same id that has ended is replaced.</summary>
    /// <exception cref="InvalidOperationException">One of the same id has not ended.</exception>
    public void Create(string instanceId, string name, string? input, DateTimeOffset now, DateTimeOffset due) => Transact(() => Insert(instanceId, name, input, null, -1, now, due));

    /// <summary>The instance of an id.</summary>
    public InstanceRow? Get(string instanceId)
    {
        return _database.Read(() => Find(instanceId));
    }

    /// <summary>Puts an event into an instance's inbox; an instance that is unknown or has ended loses it.</summary>
    public bool Raise(string instanceId, HistoryEvent fact, DateTimeOffset now) => Transact(() => Deliver(instanceId, fact, now));

    /// <summary>Instances with something due, and when the next thing is.</summary>
    public (IReadOnlyList<string> Ready, DateTimeOffset? Next) Due(DateTimeOffset now)
    {
        return _database.Read(() =>
        {
            List<string> ready = Query(
                $"SELECT DISTINCT i.instance FROM inbox i JOIN instances s ON s.id = i.instance WHERE i.due <= $now AND s.status IN {Ready}", r => r.GetString(0), ("$now", now.UtcTicks));
            List<long> next = Query($"SELECT MIN(i.due) FROM inbox i JOIN instances s ON s.id = i.instance WHERE i.due > $now AND s.status IN {Ready}", r => r.IsDBNull(0) ? -1 : r.GetInt64(0), ("$now", now.UtcTicks));
            return ((IReadOnlyList<string>)ready, next is [> 0 and var ticks] ? new DateTimeOffset(ticks, TimeSpan.Zero) : (DateTimeOffset?)null);
        });
    }

    /// <summary>What a turn needs.</summary>
    public (InstanceRow? Instance, IReadOnlyList<HistoryEvent> Past, IReadOnlyList<InboxItem> Inbox) Load(string instanceId, DateTimeOffset now)
    {
        return _database.Read(() => (
                Find(instanceId),
                (IReadOnlyList<HistoryEvent>)Query("SELECT kind, task, name, payload, at FROM history WHERE instance = $id ORDER BY seq", Fact, ("$id", instanceId)),
                (IReadOnlyList<InboxItem>)Query("SELECT kind, task, name, payload, due, id FROM inbox WHERE instance = $id AND due <= $now ORDER BY due, id", r => new InboxItem(r.GetInt64(5), Fact(r)), ("$id", instanceId), ("$now", now.UtcTicks))));
    }

    /// <summary>Commits a turn: what was taken up, what was scheduled, and how it ended.</summary>
    /// <param name="instance">As it was loaded.</param>
    /// <param name="pastCount">Facts in the history before the turn.</param>
    /// <param name="fresh">What was taken up.</param>
    /// <param name="inbox">The inbox rows it came from.</param>
    /// <param name="result">What the turn came to.</param>
    /// <param name="now">The time of the turn.</param>
    /// <returns>Activities to run now.</returns>
    public IReadOnlyList<WorkItem> Commit(InstanceRow instance, int pastCount, IReadOnlyList<HistoryEvent> fresh, IReadOnlyList<InboxItem> inbox, TurnResult result, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(instance);
        ArgumentNullException.ThrowIfNull(result);
        var work = new List<WorkItem>();
        Transact(() =>
        {
            // Terminated or purged during the turn, and perhaps started anew under its id, which other facts then wait for: nothing of it counts.
            bool isStale = inbox.Any(i => Query("SELECT 1 FROM inbox WHERE id = $id", r => r.GetInt32(0), ("$id", i.Id)).Count == 0);
            if (isStale || Find(instance.InstanceId) is null or { HasEnded: true })
            {
                return 0;
            }

            foreach (InboxItem item in inbox)
            {
                Execute("DELETE FROM inbox WHERE id = $id", ("$id", item.Id));
            }

            if (result.End == TurnEnd.ContinuedAsNew)
            {
                StartAgain(instance, result, now);
                foreach (ScheduledTask sent in result.Scheduled)
                {
                    Dispatch(instance, sent, work, now);
                }

                return 0;
            }

            int seq = pastCount;
            foreach (HistoryEvent fact in fresh.Concat(result.Scheduled.Select(s => s.Event)))
            {
                Execute(
                    "INSERT INTO history(instance, seq, kind, task, name, payload, at) VALUES($i, $s, $k, $t, $n, $p, $a)",
                    ("$i", instance.InstanceId), ("$s", seq++), ("$k", (int)fact.Kind), ("$t", fact.TaskId), ("$n", fact.Name), ("$p", IsPayloadKept(fact) ? fact.Payload : null), ("$a", fact.At.Ticks));
            }

            foreach (ScheduledTask task in result.Scheduled)
            {
                Dispatch(instance, task, work, now);
            }

            Conclude(instance, result, now);
            return 0;
        });
        return work;
    }

    /// <summary>Activities that were scheduled and have no result yet.</summary>
    public IReadOnlyList<WorkItem> OpenWork()
    {
        return _database.Read(() => Query("SELECT id, instance, task, name, input FROM work ORDER BY id", r => new WorkItem(r.GetInt64(0), r.GetString(1), r.GetInt32(2), r.GetString(3), HistoryDatabase.Text(r, 4))));
    }

    /// <summary>Keeps an activity's result; one that is known already, or whose instance has ended, is dropped.</summary>
    public bool CompleteWork(WorkItem item, HistoryEvent result, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(item);
        return Transact(() => Query("DELETE FROM work WHERE id = $id RETURNING task", r => r.GetInt32(0), ("$id", item.Id)) is [var task] && task == item.TaskId && Deliver(item.InstanceId, result, now));
    }

    /// <summary>Whether an activity still is to be run: a terminated orchestration's is not.</summary>
    public bool IsOpen(WorkItem item)
    {
        ArgumentNullException.ThrowIfNull(item);
        return _database.Read(() => Query("SELECT 1 FROM work WHERE id = $id", _ => 1, ("$id", item.Id)).Count == 1);
    }

    /// <summary>Ends an instance from outside, and those that it waits for when asked to. Activities of it that have not begun do not begin.</summary>
    public void Terminate(string instanceId, string? output, bool recursive, DateTimeOffset now) => Transact(() =>
    {
        var open = new Stack<string>([instanceId]);
        while (open.TryPop(out string? id))
        {
            if (Find(id) is { HasEnded: false } instance)
            {
                End(instance, OrchestrationRuntimeStatus.Terminated, output, null, now);
                Execute("DELETE FROM work WHERE instance = $i", ("$i", id));
                if (instance.ParentId is not null)
                {
                    var ended = new TaskFailureDetails("OrchestrationTerminated", $"'{id}' was terminated.", null, null, null);
                    Deliver(instance.ParentId, new HistoryEvent(HistoryKind.ChildFailed, instance.ParentTaskId, instance.Name, DurableJson.Write(ended), now.UtcDateTime), now);
                }

                foreach (string child in recursive ? ChildrenOf(id) : [])
                {
                    open.Push(child);
                }
            }
        }

        return 0;
    });

    /// <summary>Fails an instance from outside of its turns.</summary>
    /// <param name="instance">As it was loaded; another of the same id stays.</param>
    /// <param name="failure">Why, as JSON.</param>
    /// <param name="now">The time.</param>
    /// <returns>Whether it had not ended yet.</returns>
    public bool Fail(InstanceRow instance, string failure, DateTimeOffset now) => Transact(() =>
    {
        if (Find(instance.InstanceId) is not { HasEnded: false } found || found.CreatedAt != instance.CreatedAt)
        {
            return false;
        }

        End(found, OrchestrationRuntimeStatus.Failed, null, failure, now);
        if (found.ParentId is not null)
        {
            Deliver(found.ParentId, new HistoryEvent(HistoryKind.ChildFailed, found.ParentTaskId, found.Name, failure, now.UtcDateTime), now);
        }

        return true;
    });

    /// <summary>Lets an instance rest, or go on: what comes in meanwhile waits, timers too. One that has ended stays as it is.</summary>
    public void Rest(string instanceId, bool resting, DateTimeOffset now) => Transact(() => Execute(
        // Whether it had begun shows in its history.
        resting
            ? "UPDATE instances SET status = 7, updated = $now WHERE id = $i AND status IN (0, 6)"
            : "UPDATE instances SET status = CASE WHEN EXISTS(SELECT 1 FROM history WHERE instance = $i) THEN 0 ELSE 6 END, updated = $now WHERE id = $i AND status = 7",
        ("$i", instanceId), ("$now", now.UtcTicks)));

    /// <summary>Removes an instance that has ended and, when asked to, those that it had waited for and that have ended.</summary>
    /// <returns>How many were removed.</returns>
    public int Purge(string instanceId, bool recursive) => Transact(() =>
    {
        int removed = 0;
        var open = new Stack<string>([instanceId]);
        while (open.TryPop(out string? id))
        {
            if (Find(id) is not { HasEnded: true })
            {
                continue;
            }

            foreach (string child in recursive ? ChildrenOf(id) : [])
            {
                open.Push(child);
            }

            Remove(id);
            removed++;
        }

        return removed;
    });

    public void Dispose() => _database.Dispose();

    private List<string> ChildrenOf(string instanceId) => Query("SELECT id FROM instances WHERE parent = $id", r => r.GetString(0), ("$id", instanceId));

    private int Insert(string instanceId, string name, string? input, string? parent, int parentTask, DateTimeOffset now, DateTimeOffset due)
    {
        if (Find(instanceId) is { } existing)
        {
            if (!existing.HasEnded)
            {
                throw new InvalidOperationException($"An orchestration with the id '{instanceId}' exists and is {existing.Status}; wait for its end, terminate it, or use another id.");
            }

            Remove(instanceId);
        }

        Execute(
            "INSERT INTO instances(id, name, status, input, parent, parentTask, created, updated) VALUES($i, $n, 6, $p, $parent, $task, $now, $now)",
            ("$i", instanceId), ("$n", name), ("$p", input), ("$parent", parent), ("$task", parentTask), ("$now", now.UtcTicks));
        return Put(instanceId, new HistoryEvent(HistoryKind.Started, -1, name, input, now.UtcDateTime), due);
    }

    private void Dispatch(InstanceRow instance, ScheduledTask task, List<WorkItem> work, DateTimeOffset now)
    {
        HistoryEvent fact = task.Event;
        switch (fact.Kind)
        {
            case HistoryKind.ActivityScheduled:
                Execute("INSERT INTO work(instance, task, name, input) VALUES($i, $t, $n, $p)", ("$i", instance.InstanceId), ("$t", fact.TaskId), ("$n", fact.Name), ("$p", fact.Payload));
                work.Add(new WorkItem(Query("SELECT last_insert_rowid()", r => r.GetInt64(0))[0], instance.InstanceId, fact.TaskId, fact.Name!, fact.Payload));
                break;
            case HistoryKind.TimerCreated:
                Put(instance.InstanceId, new HistoryEvent(HistoryKind.TimerFired, fact.TaskId, null, null, fact.At), new DateTimeOffset(fact.At, TimeSpan.Zero));
                break;
            case HistoryKind.ChildScheduled when Find(task.InstanceId!) is { HasEnded: false }:
                var taken = new TaskFailureDetails(typeof(InvalidOperationException).FullName!, $"An orchestration with the id '{task.InstanceId}' exists and has not ended.", null, null, null);
                Put(instance.InstanceId, new HistoryEvent(HistoryKind.ChildFailed, fact.TaskId, fact.Name, DurableJson.Write(taken), now.UtcDateTime), now);
                break;
            case HistoryKind.ChildScheduled:
                Insert(task.InstanceId!, fact.Name!, fact.Payload, instance.InstanceId, fact.TaskId, now, now);
                break;
            case HistoryKind.EventSent:
                Deliver(task.InstanceId!, new HistoryEvent(HistoryKind.EventRaised, -1, fact.Name, fact.Payload, now.UtcDateTime), now);
                break;
        }
    }

    private void Conclude(InstanceRow instance, TurnResult result, DateTimeOffset now)
    {
        Execute("UPDATE instances SET custom = $c WHERE id = $i", ("$c", result.CustomStatus), ("$i", instance.InstanceId));
        if (result.End == TurnEnd.Waiting)
        {
            Execute("UPDATE instances SET status = CASE status WHEN 6 THEN 0 ELSE status END, updated = $now WHERE id = $i", ("$now", now.UtcTicks), ("$i", instance.InstanceId));
            return;
        }

        bool well = result.End == TurnEnd.Completed;
        string? failure = DurableJson.Write(result.Failure);
        End(instance, well ? OrchestrationRuntimeStatus.Completed : OrchestrationRuntimeStatus.Failed, result.Payload, failure, now);
        if (instance.ParentId is not null)
        {
            Deliver(instance.ParentId, new HistoryEvent(well ? HistoryKind.ChildCompleted : HistoryKind.ChildFailed, instance.ParentTaskId, instance.Name, well ? result.Payload : failure, now.UtcDateTime), now);
        }
    }

    private void StartAgain(InstanceRow instance, TurnResult result, DateTimeOffset now)
    {
        // Events that came during the turn stay; timers of the old generation do not, and its activities answer to nobody.
        Execute("DELETE FROM history WHERE instance = $i", ("$i", instance.InstanceId));
        Execute("DELETE FROM inbox WHERE instance = $i AND kind <> 10", ("$i", instance.InstanceId));
        Execute("UPDATE work SET task = -1 WHERE instance = $i", ("$i", instance.InstanceId));
        Execute("UPDATE instances SET input = $p, status = CASE status WHEN 7 THEN 7 ELSE 0 END, updated = $now, custom = $c WHERE id = $i", ("$p", result.Payload), ("$now", now.UtcTicks), ("$c", result.CustomStatus), ("$i", instance.InstanceId));
        // Before the events that stayed: an inbox is read in the order of due times.
        Put(instance.InstanceId, new HistoryEvent(HistoryKind.Started, -1, instance.Name, result.Payload, now.UtcDateTime), DateTimeOffset.MinValue);
        foreach (HistoryEvent fact in result.Unprocessed)
        {
            Put(instance.InstanceId, fact, DateTimeOffset.MinValue);
        }
    }

    private void End(InstanceRow instance, OrchestrationRuntimeStatus status, string? output, string? failure, DateTimeOffset now)
    {
        Execute(
            "UPDATE instances SET status = $s, output = $o, failure = $f, updated = $now WHERE id = $i",
            ("$s", (int)status), ("$o", output), ("$f", failure), ("$now", now.UtcTicks), ("$i", instance.InstanceId));
        Execute("DELETE FROM inbox WHERE instance = $i", ("$i", instance.InstanceId));
    }

    private void Remove(string instanceId)
    {
        foreach (string table in (string[])["history", "inbox", "work"])
        {
            Execute($"DELETE FROM {table} WHERE instance = $i", ("$i", instanceId));
        }

        Execute("DELETE FROM instances WHERE id = $i", ("$i", instanceId));
    }

    private bool Deliver(string instanceId, HistoryEvent fact, DateTimeOffset now) => Find(instanceId) is { HasEnded: false } && Put(instanceId, fact, now) == 1;

    private int Put(string instanceId, HistoryEvent fact, DateTimeOffset due) => Execute(
        "INSERT INTO inbox(instance, kind, task, name, payload, due) VALUES($i, $k, $t, $n, $p, $d)",
        ("$i", instanceId), ("$k", (int)fact.Kind), ("$t", fact.TaskId), ("$n", fact.Name), ("$p", fact.Payload), ("$d", due.UtcTicks));

    /// <summary>The inputs of tasks are needed once, when they are dispatched; replay asks for names only.</summary>
    private static bool IsPayloadKept(HistoryEvent fact) => fact.Kind is not (HistoryKind.ActivityScheduled or HistoryKind.ChildScheduled or HistoryKind.EventSent);

    private InstanceRow? Find(string instanceId) => Query(
        "SELECT id, name, status, input, output, custom, failure, parent, parentTask, created, updated FROM instances WHERE id = $id",
        r => new InstanceRow
        {
            InstanceId = r.GetString(0), Name = r.GetString(1), Status = (OrchestrationRuntimeStatus)r.GetInt32(2), Input = HistoryDatabase.Text(r, 3), Output = HistoryDatabase.Text(r, 4), CustomStatus = HistoryDatabase.Text(r, 5), Failure = HistoryDatabase.Text(r, 6),
            ParentId = HistoryDatabase.Text(r, 7), ParentTaskId = r.GetInt32(8), CreatedAt = new DateTimeOffset(r.GetInt64(9), TimeSpan.Zero), UpdatedAt = new DateTimeOffset(r.GetInt64(10), TimeSpan.Zero),
        },
        ("$id", instanceId)).FirstOrDefault();

    private static HistoryEvent Fact(SqliteDataReader r) => new((HistoryKind)r.GetInt32(0), r.GetInt32(1), HistoryDatabase.Text(r, 2), HistoryDatabase.Text(r, 3), new DateTime(r.GetInt64(4), DateTimeKind.Utc));

    private T Transact<T>(Func<T> work) => _database.Transact(work);

    private int Execute(string sql, params (string Name, object? Value)[] parameters) => _database.Execute(sql, parameters);

    private List<T> Query<T>(string sql, Func<SqliteDataReader, T> read, params (string Name, object? Value)[] parameters) => _database.Query(sql, read, parameters);
}
