using System.Text.Json;
using Azure;
using Azure.Data.Tables;
using Azure.Storage.Queues.Models;
using Pipeline.Contracts;

namespace Pipeline.Storage;

/// <summary>Messages and drops that nobody could work with: they lie in poison queues, and a table says why.</summary>
/// <param name="table">The table.</param>
/// <param name="messages">Reads and writes messages as they lie in their queues, in base64 or not.</param>
public sealed class DeadLetterStore(TableClient table, QueueMessages messages)
{
    /// <summary>Of what the host itself has put there: nobody was told why.</summary>
    private const string NoReason = "It failed five times; the host's log says why.";

    private const string Partition = "putaside";
    private const string RecordColumn = "record";
    private const int LongestReason = 2000;

    /// <summary>Creates the table where it is missing.</summary>
    public Task EnsureCreatedAsync(CancellationToken cancellation) => table.CreateIfNotExistsAsync(cancellation);

    /// <summary>Notes a dead letter; said twice of the same thing, the note stands once.</summary>
    /// <param name="queue">The poison queue.</param>
    /// <param name="what">A message's id, a blob's name.</param>
    /// <param name="body">The message.</param>
    /// <param name="reason">What was wrong with it.</param>
    /// <param name="at">When.</param>
    /// <param name="cancellation">Ends the call.</param>
    public Task PutAsync(
        string queue,
        string what,
        BinaryData body,
        string reason,
        DateTimeOffset at,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(body);
        var encoded = new BinaryData(Convert.ToBase64String(body.ToMemory().Span));
        return PutAsIsAsync(queue, what, encoded, reason, at, cancellation);
    }

    /// <summary>The same of a message that stays as it is, such as one that is not base64.</summary>
    public async Task PutAsIsAsync(
        string queue,
        string what,
        BinaryData body,
        string reason,
        DateTimeOffset at,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(body);
        ArgumentNullException.ThrowIfNull(reason);
        string id = ContentHash.ShortOf(queue, what, body.ToString());
        var note = new DeadLetter
        {
            Id = id,
            At = at,
            Queue = queue,
            What = what,
            Reason = reason.Length > LongestReason ? reason[..LongestReason] : reason,
        };
        NullableResponse<TableEntity> known = await table
            .GetEntityIfExistsAsync<TableEntity>(Partition, id, [RecordColumn], cancellation)
            .ConfigureAwait(false);
        note =
            known.HasValue && TryRead(known.Value!) is { } earlier
                ? note with
                {
                    MessageId = earlier.MessageId,
                }
                : note with
                {
                    MessageId = await messages.PutAsync(queue, body, cancellation).ConfigureAwait(false),
                }; // before the note: whoever stops in between comes again and loses nothing
        await table
            .UpsertEntityAsync(
                new TableEntity(Partition, id) { [RecordColumn] = ContractJson.Write(note) },
                TableUpdateMode.Replace,
                cancellation
            )
            .ConfigureAwait(false);
    }

    /// <summary>
    /// The dead letters, the newest first: those of this app with a reason, and those of the host, which moves a
    /// message that has failed five times. Of a queue the service shows 32 messages; that there are more is said by one
    /// line of its own.
    /// </summary>
    public async Task<IReadOnlyList<DeadLetter>> ListAsync(CancellationToken cancellation)
    {
        // Counted first: a message that comes meanwhile is listed as itself, not as a further one.
        var counts = new Dictionary<string, int>();
        foreach (string queue in BlobLayout.PoisonQueues)
        {
            counts[queue] = await messages.CountAsync(queue, cancellation).ConfigureAwait(false);
        }

        List<DeadLetter> letters = await SeenAsync(cancellation).ConfigureAwait(false);
        foreach ((string queue, int count) in counts)
        {
            int listed = letters.Count(n => n.Queue == queue && n.MessageId is not null);
            int unseen = count - listed;
            if (listed >= QueueMessages.MaxAtATime && unseen > 0) // fewer: the rest is in the hands of another call
            {
                letters.Add(
                    new DeadLetter
                    {
                        Id = $"more-of-{queue}",
                        At = default,
                        Queue = queue,
                        What = $"about {unseen} further messages",
                        Reason = "The service shows the first 32 of a queue: requeue or delete those to see these.",
                    }
                );
            }
        }

        return [.. letters.OrderByDescending(n => n.At)];
    }

    /// <summary>Takes something out: its message and its note.</summary>
    /// <param name="id">As it is listed.</param>
    /// <param name="use">Gets note and message (<c>null</c>: it is gone) before they are removed; where it says why
    /// not, or fails, both stay where they are.</param>
    /// <param name="cancellation">Ends the call.</param>
    /// <returns>Whether there was such a thing, and what <paramref name="use"/> said.</returns>
    public async Task<(bool Found, string? Fault)> TakeAsync(
        string id,
        Func<DeadLetter, BinaryData?, Task<string?>> use,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(use);
        // By its message too: until its note was written, it was listed under that.
        List<DeadLetter> seen = await SeenAsync(cancellation).ConfigureAwait(false);
        if ((seen.Find(n => n.Id == id) ?? seen.Find(n => n.MessageId == id)) is not { } note)
        {
            return (false, null);
        }

        QueueMessage? message = note.MessageId is { } messageId
            ? await messages.FindAsync(note.Queue, messageId, cancellation).ConfigureAwait(false)
            : null;
        // One that fails leaves the message hidden for half a minute.
        string? fault = await use(note, message is null ? null : Decoded(message.Body)).ConfigureAwait(false);
        fault ??= (await NotesAsync(cancellation).ConfigureAwait(false))
            .FirstOrDefault(n => n.Id == note.Id && n.At != note.At)
            ?.Reason; // refused again meanwhile
        if (fault is not null)
        {
            if (message is not null)
            {
                await messages
                    .RenewAsync(note.Queue, message, message.PopReceipt, TimeSpan.Zero, cancellation)
                    .ConfigureAwait(false);
            }

            return (true, fault);
        }

        if (message is not null)
        {
            await messages
                .DeleteAsync(note.Queue, message.MessageId, message.PopReceipt, cancellation)
                .ConfigureAwait(false);
        }

        await table.DeleteEntityAsync(Partition, note.Id, ETag.All, cancellation).ConfigureAwait(false);
        return (true, null);
    }

    /// <summary>Notes and messages that can be taken by their ids.</summary>
    private async Task<List<DeadLetter>> SeenAsync(CancellationToken cancellation)
    {
        List<DeadLetter> letters = await NotesAsync(cancellation).ConfigureAwait(false);
        HashSet<string> known = [.. letters.Select(n => n.MessageId).OfType<string>()];
        foreach (string queue in BlobLayout.PoisonQueues)
        {
            letters.AddRange(
                (await messages.PeekAsync(queue, cancellation).ConfigureAwait(false))
                    .Where(m => !known.Contains(m.MessageId))
                    .Select(m => new DeadLetter
                    {
                        Id = m.MessageId,
                        At = m.InsertedOn ?? default,
                        Queue = queue,
                        What = $"message {m.MessageId}",
                        Reason = NoReason,
                        MessageId = m.MessageId,
                    })
            );
        }

        return letters;
    }

    private async Task<List<DeadLetter>> NotesAsync(CancellationToken cancellation)
    {
        var notes = new List<DeadLetter>();
        await foreach (
            TableEntity entity in table
                .QueryAsync<TableEntity>(e => e.PartitionKey == Partition, cancellationToken: cancellation)
                .ConfigureAwait(false)
        )
        {
            notes.Add(TryRead(entity) ?? StandIn(entity));
        }

        return notes;
    }

    /// <summary>What a message in a poison queue says: those of hosts and ours are in base64.</summary>
    private static BinaryData Decoded(BinaryData body)
    {
        byte[] bytes = new byte[body.ToMemory().Length];
        return Convert.TryFromBase64String(body.ToString(), bytes, out int length)
            ? new BinaryData(bytes.AsMemory(0, length))
            : body;
    }

    private static DeadLetter? TryRead(TableEntity entity)
    {
        try
        {
            return ContractJson.Read<DeadLetter>(entity.GetString(RecordColumn));
        }
        catch (Exception fault) when (fault is JsonException or ArgumentNullException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>A note that cannot be read hides no other: it is listed, and can be deleted.</summary>
    private static DeadLetter StandIn(TableEntity entity) =>
        new()
        {
            Id = entity.RowKey,
            At = entity.Timestamp ?? default,
            Queue = "",
            What = "a note",
            Reason = "The note of this dead letter cannot be read.",
        };
}
