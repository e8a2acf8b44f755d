using Microsoft.Data.Sqlite;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace Pipeline.LocalHost.Durable;

/// <summary>
/// Histories in SQLite (WAL, synchronous=FULL). Each public method is one transaction: either all of it has happened, or
/// nothing. One connection behind a lock: writes are serial anyway.
/// </summary>
public sealed class HistoryStore : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly Lock _lock = new();

    public HistoryStore(string path)
    {
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        _connection.Open();
        Execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=10000;");
        Execute("""
            CREATE TABLE IF NOT EXISTS instances(id TEXT PRIMARY KEY, name TEXT NOT NULL, status INTEGER NOT NULL, input TEXT, output TEXT, custom TEXT, failure TEXT,
                parent TEXT, parentTask INTEGER NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL);
            CREATE TABLE IF NOT EXISTS history(instance TEXT NOT NULL, seq INTEGER NOT NULL, kind INTEGER NOT NULL, task INTEGER NOT NULL, name TEXT, payload TEXT, at INTEGER NOT NULL,
                PRIMARY KEY(instance, seq)) WITHOUT ROWID;
            CREATE TABLE IF NOT EXISTS inbox(id INTEGER PRIMARY KEY AUTOINCREMENT, instance TEXT NOT NULL, kind INTEGER NOT NULL, task INTEGER NOT NULL, name TEXT, payload TEXT, due INTEGER NOT NULL);
            CREATE INDEX IF NOT EXISTS inboxByDue ON inbox(due);
            CREATE INDEX IF NOT EXISTS inboxByInstance ON inbox(instance);
            CREATE TABLE IF NOT EXISTS work(id INTEGER PRIMARY KEY AUTOINCREMENT, instance TEXT NOT NULL, task INTEGER NOT NULL, name TEXT NOT NULL, input TEXT);
            CREATE INDEX IF NOT EXISTS workByInstance ON work(instance);
            """);
    }

    /// <summary>Starts an instance. One of the same id that has ended is replaced.</summary>
    /// <exception cref="InvalidOperationException">One of the same id has not ended.</exception>
    public void Create(string instanceId, string name, string? input, DateTimeOffset now, DateTimeOffset due) => Transact(() => Insert(instanceId, name, input, null, -1, now, due));

    /// <summary>The instance of an id.</summary>
    public InstanceRow? Get(string instanceId)
    {
        lock (_lock)
        {
            return Find(instanceId);
        }
    }

    /// <summary>Puts an event into an instance's inbox; an instance that is unknown or has ended loses it.</summary>
    public bool Raise(string instanceId, HistoryEvent fact, DateTimeOffset now) => Transact(() => Deliver(instanceId, fact, now));

    /// <summary>Instances with something due, and when the next thing is.</summary>
    public (IReadOnlyList<string> Ready, DateTimeOffset? Next) Due(DateTimeOffset now)
    {
        lock (_lock)
        {
            List<string> ready = Query(
                "SELECT DISTINCT i.instance FROM inbox i JOIN instances s ON s.id = i.instance WHERE i.due <= $now AND s.status IN (0, 6)", r => r.GetString(0), ("$now", now.UtcTicks));
            List<long> next = Query("SELECT MIN(i.due) FROM inbox i JOIN instances s ON s.id = i.instance WHERE i.due > $now AND s.status IN (0, 6)", r => r.IsDBNull(0) ? -1 : r.GetInt64(0), ("$now", now.UtcTicks));
            return (ready, next is [> 0 and var ticks] ? new DateTimeOffset(ticks, TimeSpan.Zero) : null);
        }
    }

    /// <summary>What a turn needs.</summary>
    public (InstanceRow? Instance, IReadOnlyList<HistoryEvent> Past, IReadOnlyList<InboxItem> Inbox) Load(string instanceId, DateTimeOffset now)
    {
        lock (_lock)
        {
            return (
                Find(instanceId),
                Query("SELECT kind, task, name, payload, at FROM history WHERE instance = $id ORDER BY seq", Fact, ("$id", instanceId)),
                Query("SELECT kind, task, name, payload, due, id FROM inbox WHERE instance = $id AND due <= $now ORDER BY due, id", r => new InboxItem(r.GetInt64(5), Fact(r)), ("$id", instanceId), ("$now", now.UtcTicks)));
        }
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
            if (Find(instance.InstanceId) is null or { HasEnded: true })
            {
                return 0; // terminated or purged during the turn: nothing of it counts
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
        lock (_lock)
        {
            return Query("SELECT id, instance, task, name, input FROM work ORDER BY id", r => new WorkItem(r.GetInt64(0), r.GetString(1), r.GetInt32(2), r.GetString(3), Text(r, 4)));
        }
    }

    /// <summary>Keeps an activity's result; one that is known already, or whose instance has ended, is dropped.</summary>
    public bool CompleteWork(WorkItem item, HistoryEvent result, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(item);
        return Transact(() => Execute("DELETE FROM work WHERE id = $id", ("$id", item.Id)) == 1 && Deliver(item.InstanceId, result, now));
    }

    /// <summary>Ends an instance and its children from outside.</summary>
    public void Terminate(string instanceId, string? output, DateTimeOffset now) => Transact(() =>
    {
        var open = new Stack<string>([instanceId]);
        while (open.TryPop(out string? id))
        {
            if (Find(id) is { HasEnded: false } instance)
            {
                End(instance, OrchestrationRuntimeStatus.Terminated, output, null, now);
                if (instance.ParentId is not null)
                {
                    var ended = new TaskFailureDetails("OrchestrationTerminated", $"'{id}' was terminated.", null, null, null);
                    Deliver(instance.ParentId, new HistoryEvent(HistoryKind.ChildFailed, instance.ParentTaskId, instance.Name, DurableJson.Write(ended), now.UtcDateTime), now);
                }

                foreach (string child in Query("SELECT id FROM instances WHERE parent = $id", r => r.GetString(0), ("$id", id)))
                {
                    open.Push(child);
                }
            }
        }

        return 0;
    });

    /// <summary>Removes an instance that has ended.</summary>
    /// <returns>Whether there was one.</returns>
    public bool Purge(string instanceId) => Transact(() =>
    {
        if (Find(instanceId) is not { HasEnded: true })
        {
            return false;
        }

        Remove(instanceId);
        return true;
    });

    public void Dispose() => _connection.Dispose();

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
        if (result.CustomStatus is not null)
        {
            Execute("UPDATE instances SET custom = $c WHERE id = $i", ("$c", result.CustomStatus), ("$i", instance.InstanceId));
        }

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
        foreach (string table in (string[])["history", "inbox", "work"])
        {
            // Events that came during the turn stay; tasks and timers of the old generation do not.
            Execute($"DELETE FROM {table} WHERE instance = $i{(table == "inbox" ? " AND kind <> 10" : "")}", ("$i", instance.InstanceId));
        }

        Execute("UPDATE instances SET input = $p, status = 0, updated = $now, custom = COALESCE($c, custom) WHERE id = $i", ("$p", result.Payload), ("$now", now.UtcTicks), ("$c", result.CustomStatus), ("$i", instance.InstanceId));
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
        Execute("DELETE FROM work WHERE instance = $i", ("$i", instance.InstanceId));
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
            InstanceId = r.GetString(0), Name = r.GetString(1), Status = (OrchestrationRuntimeStatus)r.GetInt32(2), Input = Text(r, 3), Output = Text(r, 4), CustomStatus = Text(r, 5), Failure = Text(r, 6),
            ParentId = Text(r, 7), ParentTaskId = r.GetInt32(8), CreatedAt = new DateTimeOffset(r.GetInt64(9), TimeSpan.Zero), UpdatedAt = new DateTimeOffset(r.GetInt64(10), TimeSpan.Zero),
        },
        ("$id", instanceId)).FirstOrDefault();

    private static HistoryEvent Fact(SqliteDataReader r) => new((HistoryKind)r.GetInt32(0), r.GetInt32(1), Text(r, 2), Text(r, 3), new DateTime(r.GetInt64(4), DateTimeKind.Utc));

    private static string? Text(SqliteDataReader r, int column) => r.IsDBNull(column) ? null : r.GetString(column);

    private T Transact<T>(Func<T> work)
    {
        lock (_lock)
        {
            using SqliteTransaction transaction = _connection.BeginTransaction();
            T result = work();
            transaction.Commit();
            return result;
        }
    }

    private int Execute(string sql, params (string Name, object? Value)[] parameters)
    {
        using SqliteCommand command = Command(sql, parameters);
        return command.ExecuteNonQuery();
    }

    private List<T> Query<T>(string sql, Func<SqliteDataReader, T> read, params (string Name, object? Value)[] parameters)
    {
        using SqliteCommand command = Command(sql, parameters);
        using SqliteDataReader reader = command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read())
        {
            rows.Add(read(reader));
        }

        return rows;
    }

    private SqliteCommand Command(string sql, (string Name, object? Value)[] parameters)
    {
        SqliteCommand command = _connection.CreateCommand();
#pragma warning disable CA2100 // The texts are constants of this file; values are parameters.
        command.CommandText = sql;
#pragma warning restore CA2100
        foreach ((string name, object? value) in parameters)
        {
            command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        }

        return command;
    }
}
