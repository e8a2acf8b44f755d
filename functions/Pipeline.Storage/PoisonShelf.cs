using Azure.Data.Tables;
using Pipeline.Contracts;

namespace Pipeline.Storage;

/// <summary>Messages and drops that nobody could work with: they lie in poison queues, and a table says why.</summary>
public sealed class PoisonShelf(TableClient table, QueueMessages messages)
{
    private const string Partition = "putaside";
    private const string RecordColumn = "record";
    private const int LongestReason = 2000;

    /// <summary>Creates the table where it is missing.</summary>
    public Task EnsureCreatedAsync(CancellationToken cancellation) => table.CreateIfNotExistsAsync(cancellation);

    /// <summary>Puts something aside; said twice of the same thing, the note stands once.</summary>
    /// <param name="queue">The poison queue.</param>
    /// <param name="what">A message's id, a blob's name.</param>
    /// <param name="body">The message.</param>
    /// <param name="reason">What was wrong with it.</param>
    /// <param name="at">When.</param>
    /// <param name="cancellation">Ends the call.</param>
    public async Task PutAsync(string queue, string what, BinaryData body, string reason, DateTimeOffset at, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(body);
        ArgumentNullException.ThrowIfNull(reason);
        string id = ContentHash.ShortOf(queue, what, Convert.ToBase64String(body.ToArray()));
        var note = new PutAside { Id = id, At = at, Queue = queue, What = what, Reason = reason.Length > LongestReason ? reason[..LongestReason] : reason };
        if (!(await table.GetEntityIfExistsAsync<TableEntity>(Partition, id, [RecordColumn], cancellation).ConfigureAwait(false)).HasValue)
        {
            await messages.PutAsync(queue, body, cancellation).ConfigureAwait(false); // before the note: whoever stops in between comes again and loses nothing
        }

        await table.UpsertEntityAsync(new TableEntity(Partition, id) { [RecordColumn] = ContractJson.Write(note) }, TableUpdateMode.Replace, cancellation).ConfigureAwait(false);
    }

    /// <summary>What was put aside, the newest first.</summary>
    public async Task<IReadOnlyList<PutAside>> ListAsync(CancellationToken cancellation)
    {
        var notes = new List<PutAside>();
        await foreach (TableEntity entity in table.QueryAsync<TableEntity>(e => e.PartitionKey == Partition, cancellationToken: cancellation).ConfigureAwait(false))
        {
            notes.Add(ContractJson.Read<PutAside>(entity.GetString(RecordColumn)));
        }

        return [.. notes.OrderByDescending(n => n.At)];
    }
}
