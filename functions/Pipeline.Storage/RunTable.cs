using System.Text.Json;
using Azure;
using Azure.Data.Tables;
using Pipeline.Contracts;

namespace Pipeline.Storage;

/// <summary>The table of runs: one row a run, its record as JSON beside the columns that are asked for.</summary>
public sealed class RunTable(TableClient table)
{
    private const string Partition = "run";
    private const string RecordColumn = "record";
    private const string ProjectColumn = "project";

    /// <summary>Creates the table where it is missing.</summary>
    public Task EnsureCreatedAsync(CancellationToken cancellation) => table.CreateIfNotExistsAsync(cancellation);

    /// <summary>The run of an id; <c>null</c>: there is none.</summary>
    public async Task<RunRecord?> GetAsync(string runId, CancellationToken cancellation)
    {
        if (!SafeName.TryParse(runId, NameKind.Run, out _))
        {
            return null;
        }

        NullableResponse<TableEntity> entity = await table
            .GetEntityIfExistsAsync<TableEntity>(Partition, runId, cancellationToken: cancellation)
            .ConfigureAwait(false);
        return entity.HasValue ? ReadOrStandIn(entity.Value!) : null;
    }

    /// <summary>Runs, the newest first.</summary>
    /// <param name="project">Of one project; <c>null</c>: of all.</param>
    /// <param name="cancellation">Ends the call.</param>
    public async Task<IReadOnlyList<RunRecord>> ListAsync(string? project, CancellationToken cancellation)
    {
        string filter = project is null
            ? TableClient.CreateQueryFilter($"PartitionKey eq {Partition}")
            : TableClient.CreateQueryFilter($"PartitionKey eq {Partition} and project eq {project}");
        var runs = new List<RunRecord>();
        await foreach (
            TableEntity entity in table
                .QueryAsync<TableEntity>(filter, cancellationToken: cancellation)
                .ConfigureAwait(false)
        )
        {
            runs.Add(ReadOrStandIn(entity));
        }

        return [.. runs.OrderByDescending(r => r.CreatedAt)];
    }

    /// <summary>Writes a run's row, whatever stands there.</summary>
    public Task PutAsync(RunRecord run, CancellationToken cancellation) =>
        table.UpsertEntityAsync(Entity(run), TableUpdateMode.Replace, cancellation);

    /// <summary>Removes a run's row.</summary>
    public Task DeleteAsync(string runId, CancellationToken cancellation) =>
        table.DeleteEntityAsync(Partition, runId, ETag.All, cancellation);

    /// <summary>Changes a run's row under its ETag; nothing happens where there is none.</summary>
    public async Task UpdateAsync(string runId, Func<RunRecord, RunRecord> change, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(change);
        await OptimisticUpdate
            .RunAsync<RunRecord?>(
                async () =>
                {
                    NullableResponse<TableEntity> entity = await table
                        .GetEntityIfExistsAsync<TableEntity>(Partition, runId, cancellationToken: cancellation)
                        .ConfigureAwait(false);
                    return entity.HasValue ? (Read(entity.Value!), entity.Value!.ETag.ToString()) : (null, null);
                },
                run => run is null ? null : change(run),
                async (run, tag) => run is null || await TryReplaceAsync(run, tag!, cancellation).ConfigureAwait(false)
            )
            .ConfigureAwait(false);
    }

    /// <returns>Whether the row still had the ETag, and was written.</returns>
    private async Task<bool> TryReplaceAsync(RunRecord run, string tag, CancellationToken cancellation)
    {
        try
        {
            await table
                .UpdateEntityAsync(Entity(run), new ETag(tag), TableUpdateMode.Replace, cancellation)
                .ConfigureAwait(false);
            return true;
        }
        catch (RequestFailedException fault) when (fault.Status == 412)
        {
            return false;
        }
    }

    private static TableEntity Entity(RunRecord run) =>
        new(Partition, run.RunId) { [ProjectColumn] = run.Project, [RecordColumn] = ContractJson.Write(run) };

    /// <summary>
    /// A row that cannot be read, of a later version or damaged, stops no listing of the others: it is listed as
    /// failed, and can be purged.
    /// </summary>
    private static RunRecord ReadOrStandIn(TableEntity entity)
    {
        try
        {
            return Read(entity);
        }
        catch (Exception fault) when (fault is JsonException or ArgumentNullException or InvalidOperationException)
        {
            DateTimeOffset written = entity.Timestamp ?? DateTimeOffset.UnixEpoch;
            return new RunRecord
            {
                RunId = entity.RowKey,
                Project = entity.TryGetValue(ProjectColumn, out object? project) ? project as string ?? "" : "",
                State = RunState.Failed,
                Stage = RunStage.Dataset,
                Trigger = RunTrigger.Http,
                Source = "",
                CreatedAt = written,
                UpdatedAt = written,
                Error = $"The row of this run cannot be read: {fault.Message}",
            };
        }
    }

    private static RunRecord Read(TableEntity entity) => ContractJson.Read<RunRecord>(entity.GetString(RecordColumn));
}
