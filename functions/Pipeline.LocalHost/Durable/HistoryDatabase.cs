using Microsoft.Data.Sqlite;

namespace Pipeline.LocalHost.Durable;

/// <summary>
/// The SQLite file of the histories (WAL, synchronous=FULL): one connection behind a lock, since writes are serial anyway.
/// </summary>
internal sealed class HistoryDatabase : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly Action<CommitPhase>? _atCommit;
    private readonly Lock _lock = new();

    public HistoryDatabase(string path, Action<CommitPhase>? atCommit)
    {
        _atCommit = atCommit;
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        _connection.Open();
        Execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=10000;");
        Execute("""
            CREATE TABLE IF NOT EXISTS instances(id TEXT PRIMARY KEY, name TEXT NOT NULL, status INTEGER NOT NULL, input TEXT, output TEXT, custom TEXT, failure TEXT,
                parent TEXT, parentTask INTEGER NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL);
            CREATE INDEX IF NOT EXISTS instancesByParent ON instances(parent);
            CREATE TABLE IF NOT EXISTS history(instance TEXT NOT NULL, seq INTEGER NOT NULL, kind INTEGER NOT NULL, task INTEGER NOT NULL, name TEXT, payload TEXT, at INTEGER NOT NULL,
                PRIMARY KEY(instance, seq)) WITHOUT ROWID;
            CREATE TABLE IF NOT EXISTS inbox(id INTEGER PRIMARY KEY AUTOINCREMENT, instance TEXT NOT NULL, kind INTEGER NOT NULL, task INTEGER NOT NULL, name TEXT, payload TEXT, due INTEGER NOT NULL);
            CREATE INDEX IF NOT EXISTS inboxByDue ON inbox(due);
            CREATE INDEX IF NOT EXISTS inboxByInstance ON inbox(instance);
            CREATE TABLE IF NOT EXISTS work(id INTEGER PRIMARY KEY AUTOINCREMENT, instance TEXT NOT NULL, task INTEGER NOT NULL, name TEXT NOT NULL, input TEXT);
            CREATE INDEX IF NOT EXISTS workByInstance ON work(instance);
            """);
    }

    /// <summary>Reads without a write beside it.</summary>
    public T Read<T>(Func<T> work)
    {
        lock (_lock)
        {
            return work();
        }
    }

    /// <summary>All of the work has happened, or nothing.</summary>
    public T Transact<T>(Func<T> work)
    {
        lock (_lock)
        {
            using SqliteTransaction transaction = _connection.BeginTransaction();
            T result = work();
            _atCommit?.Invoke(CommitPhase.Before);
            transaction.Commit();
            _atCommit?.Invoke(CommitPhase.After);
            return result;
        }
    }

    public int Execute(string sql, params (string Name, object? Value)[] parameters)
    {
        using SqliteCommand command = Command(sql, parameters);
        return command.ExecuteNonQuery();
    }

    public List<T> Query<T>(string sql, Func<SqliteDataReader, T> read, params (string Name, object? Value)[] parameters)
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

    public static string? Text(SqliteDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    public void Dispose() => _connection.Dispose();

    private SqliteCommand Command(string sql, (string Name, object? Value)[] parameters)
    {
        SqliteCommand command = _connection.CreateCommand();
#pragma warning disable CA2100 // The texts are constants of the engine; values are parameters.
        command.CommandText = sql;
#pragma warning restore CA2100
        foreach ((string name, object? value) in parameters)
        {
            command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        }

        return command;
    }
}
