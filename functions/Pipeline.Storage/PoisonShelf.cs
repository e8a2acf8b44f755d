using Azure;
using Azure.Data.Tables;
using Azure.Storage.Queues.Models;
using Pipeline.Contracts;

namespace Pipeline.Storage;

/// <summary>Messages and drops that nobody could work with: they lie in poison queues, and a table says why.</summary>
public sealed class PoisonShelf(TableClient table, QueueMessages messages)
{
    /// <summary>Of what the host itself has put there: nobody was told why.</summary>
    private const string NoReason = "It failed five times; the host's log says why.";

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
        NullableResponse<TableEntity> known = await table.GetEntityIfExistsAsync<TableEntity>(Partition, id, [RecordColumn], cancellation).ConfigureAwait(false);
        note = known.HasValue
            ? note with { MessageId = ContractJson.Read<PutAside>(known.Value!.GetString(RecordColumn)).MessageId }
            : note with { MessageId = await messages.PutAsync(queue, body, cancellation).ConfigureAwait(false) }; // before the note: whoever stops in between comes again and loses nothing
        await table.UpsertEntityAsync(new TableEntity(Partition, id) { [RecordColumn] = ContractJson.Write(note) }, TableUpdateMode.Replace, cancellation).ConfigureAwait(false);
    }

    /// <summary>What was put aside, the newest first: by this app with a reason, and by the host, which moves a message that has failed five times.</summary>
    public async Task<IReadOnlyList<PutAside>> ListAsync(CancellationToken cancellation)
    {
        List<PutAside> notes = await NotesAsync(cancellation).ConfigureAwait(false);
        HashSet<string> known = [.. notes.Select(n => n.MessageId).OfType<string>()];
        foreach (string queue in BlobLayout.PoisonQueues)
        {
            foreach (PeekedMessage message in await messages.PeekAsync(queue, cancellation).ConfigureAwait(false))
            {
                if (!known.Contains(message.MessageId))
                {
                    notes.Add(new PutAside { Id = message.MessageId, At = message.InsertedOn ?? default, Queue = queue, What = $"message {message.MessageId}", Reason = NoReason, MessageId = message.MessageId });
                }
            }
        }

        return [.. notes.OrderByDescending(n => n.At)];
    }

    /// <summary>Takes something out: its message and its note.</summary>
    /// <param name="id">As it is listed.</param>
    /// <param name="use">Gets note and message (<c>null</c>: it is gone) before they are removed; where it says why not, or fails, both stay where they are.</param>
    /// <param name="cancellation">Ends the call.</param>
    /// <returns>Whether there was such a thing, and what <paramref name="use"/> said.</returns>
    public async Task<(bool Found, string? Fault)> TakeAsync(string id, Func<PutAside, BinaryData?, Task<string?>> use, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(use);
        if ((await ListAsync(cancellation).ConfigureAwait(false)).FirstOrDefault(n => n.Id == id) is not { } note)
        {
            return (false, null);
        }

        QueueMessage? message = note.MessageId is { } messageId ? await messages.FindAsync(note.Queue, messageId, cancellation).ConfigureAwait(false) : null;
        string? fault = await use(note, message?.Body).ConfigureAwait(false); // one that fails leaves the message hidden for half a minute
        fault ??= (await NotesAsync(cancellation).ConfigureAwait(false)).FirstOrDefault(n => n.Id == id && n.At != note.At)?.Reason; // put aside again meanwhile
        if (fault is not null)
        {
            if (message is not null)
            {
                await messages.RenewAsync(note.Queue, message, message.PopReceipt, TimeSpan.Zero, cancellation).ConfigureAwait(false);
            }

            return (true, fault);
        }

        if (message is not null)
        {
            await messages.DeleteAsync(note.Queue, message.MessageId, message.PopReceipt, cancellation).ConfigureAwait(false);
        }

        await table.DeleteEntityAsync(Partition, id, ETag.All, cancellation).ConfigureAwait(false);
        return (true, null);
    }

    private async Task<List<PutAside>> NotesAsync(CancellationToken cancellation)
    {
        var notes = new List<PutAside>();
        await foreach (TableEntity entity in table.QueryAsync<TableEntity>(e => e.PartitionKey == Partition, cancellationToken: cancellation).ConfigureAwait(false))
        {
            notes.Add(ContractJson.Read<PutAside>(entity.GetString(RecordColumn)));
        }

        return notes;
    }
}
