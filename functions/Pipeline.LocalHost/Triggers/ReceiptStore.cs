using Microsoft.Data.Sqlite;

namespace Pipeline.LocalHost.Triggers;

/// <summary>Which blobs each function has been told of, by their ETags. Kept in SQLite beside the histories.</summary>
internal sealed class ReceiptStore : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly Lock _lock = new();

    public ReceiptStore(string path)
    {
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        _connection.Open();
        using SqliteCommand command = _connection.CreateCommand();
        command.CommandText = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE IF NOT EXISTS receipts(function TEXT NOT NULL, blob TEXT NOT NULL, etag TEXT NOT NULL, PRIMARY KEY(function, blob)) WITHOUT ROWID;";
        command.ExecuteNonQuery();
    }

    /// <summary>Whether a function was told of this version of a blob.</summary>
    public bool Has(string function, string blob, string etag)
    {
        lock (_lock)
        {
            using SqliteCommand command = _connection.CreateCommand();
            command.CommandText = "SELECT 1 FROM receipts WHERE function = $f AND blob = $b AND etag = $e";
            Add(command, function, blob, etag);
            return command.ExecuteScalar() is not null;
        }
    }

    /// <summary>Notes that a function was told.</summary>
    public void Put(string function, string blob, string etag)
    {
        lock (_lock)
        {
            using SqliteCommand command = _connection.CreateCommand();
            command.CommandText = "INSERT INTO receipts(function, blob, etag) VALUES($f, $b, $e) ON CONFLICT DO UPDATE SET etag = $e";
            Add(command, function, blob, etag);
            command.ExecuteNonQuery();
        }
    }

    public void Dispose() => _connection.Dispose();

    private static void Add(SqliteCommand command, string function, string blob, string etag)
    {
        command.Parameters.AddWithValue("$f", function);
        command.Parameters.AddWithValue("$b", blob);
        command.Parameters.AddWithValue("$e", etag);
    }
}
