using Azure;
using Azure.Data.Tables;
using Pipeline.Contracts;
using Pipeline.Storage;

namespace Pipeline.LocalHost.Triggers;

/// <summary>
/// What embedded hosts on one account tell each other: which version of a blob each function was told of, and when a
/// timer fired last.
/// </summary>
internal sealed class TriggerTable(PipelineStorage storage)
{
    private const string Etag = "etag";
    private const string Blob = "blob";
    private const string Fired = "fired";
    private const string Timers = "timer";
    private readonly TableClient _table = storage.Tables.GetTableClient(BlobLayout.TriggersTable);

    // Asked for at every look: what was found once is not asked again.
    private readonly Dictionary<string, string> _known = new(StringComparer.Ordinal);

    /// <summary>Creates the table where it is missing.</summary>
    public Task EnsureCreatedAsync(CancellationToken cancellation) => _table.CreateIfNotExistsAsync(cancellation);

    /// <summary>Whether a function was told of this version of a blob, by this host or another.</summary>
    public async Task<bool> WasToldAsync(string function, string blob, string etag, CancellationToken cancellation)
    {
        string key = Key(function, blob);
        if (_known.GetValueOrDefault(key) == etag)
        {
            return true;
        }

        NullableResponse<TableEntity> found = await _table.GetEntityIfExistsAsync<TableEntity>(
            function,
            key,
            [Etag],
            cancellation
        );
        if (!found.HasValue || found.Value!.GetString(Etag) != etag)
        {
            return false;
        }

        _known[key] = etag;
        return true;
    }

    /// <summary>Notes that a function was told.</summary>
    public async Task NoteAsync(string function, string blob, string etag, CancellationToken cancellation)
    {
        string key = Key(function, blob);
        await _table.UpsertEntityAsync(
            new TableEntity(function, key) { [Etag] = etag, [Blob] = blob },
            TableUpdateMode.Replace,
            cancellation
        );
        _known[key] = etag;
    }

    /// <summary>Takes one firing of a timer for this host.</summary>
    /// <returns>Whether it is this host's; <c>false</c>: another has taken it, or a later one.</returns>
    public async Task<bool> TryTakeAsync(string function, DateTimeOffset occurrence, CancellationToken cancellation)
    {
        NullableResponse<TableEntity> last = await _table.GetEntityIfExistsAsync<TableEntity>(
            Timers,
            function,
            cancellationToken: cancellation
        );
        if (last.HasValue && last.Value!.GetDateTimeOffset(Fired) >= occurrence)
        {
            return false;
        }

        var entity = new TableEntity(Timers, function) { [Fired] = occurrence };
        try
        {
            await (
                last.HasValue
                    ? _table.UpdateEntityAsync(entity, last.Value!.ETag, TableUpdateMode.Replace, cancellation)
                    : _table.AddEntityAsync(entity, cancellation)
            );
            return true;
        }
        catch (RequestFailedException fault) when (fault.Status is 409 or 412)
        {
            return false;
        }
    }

    private static string Key(string function, string blob) => ContentHash.ShortOf(function, blob);
}
