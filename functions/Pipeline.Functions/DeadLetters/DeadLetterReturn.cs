using System.Text.Json;
using Microsoft.DurableTask.Client;
using Pipeline.Contracts;
using Pipeline.Functions.Runs;
using Pipeline.Storage;

namespace Pipeline.Functions.DeadLetters;

/// <summary>Requeues dead letters: a message goes into its queue, a drop to what it starts.</summary>
public sealed class DeadLetterReturn(PipelineStorage storage, DropStarter drops)
{
    /// <summary>Requeues one and removes it from the dead letters.</summary>
    /// <returns>Whether there is such a thing, and why it stays where it is.</returns>
    public Task<(bool Found, string? Fault)> RequeueAsync(
        DurableTaskClient client,
        string id,
        CancellationToken cancellation
    ) => storage.DeadLetters.TakeAsync(id, (note, body) => ReturnAsync(client, note, body, cancellation), cancellation);

    private async Task<string?> ReturnAsync(
        DurableTaskClient client,
        DeadLetter note,
        BinaryData? body,
        CancellationToken cancellation
    )
    {
        if (BlobLayout.SourceOf(note.Queue) is { } queue)
        {
            if (body is null)
            {
                return "Its message is gone from the poison queue: nothing is left to requeue. Delete it.";
            }

            await storage.Messages.PutAsync(queue, body, cancellation);
            return null;
        }

        if (Blob(note, body) is not { } address || address.Name.Split('/', 2) is not [var project, var name])
        {
            return "It names no blob.";
        }

        if (address.Container != BlobLayout.RawContainer || SafeName.Fault(name, NameKind.Path) is not null)
        {
            return $"'{address}' is not a file of a project.";
        }

        if (!await storage.Files.ExistsAsync(address, cancellation))
        {
            return $"The blob '{address}' does not exist any more.";
        }

        // Refused again, it is a dead letter again, with its reason of today.
        await drops.StartAsync(client, project, name, cancellation);
        return null;
    }

    /// <summary>
    /// The blob of a drop: of our own message by its note, of the host's by its <c>ContainerName</c> and
    /// <c>BlobName</c> (Microsoft.Azure.WebJobs, <c>BlobTriggerMessage</c>).
    /// </summary>
    private static BlobAddress? Blob(DeadLetter note, BinaryData? body)
    {
        if (note.What.Split('/', 2) is [BlobLayout.RawContainer, var own])
        {
            return new BlobAddress(BlobLayout.RawContainer, own);
        }

        try
        {
            using JsonDocument message = JsonDocument.Parse(body ?? BinaryData.FromString("{}"));
            return
                message.RootElement.TryGetProperty("ContainerName", out JsonElement container)
                && message.RootElement.TryGetProperty("BlobName", out JsonElement name)
                ? new BlobAddress(container.GetString()!, name.GetString()!)
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
