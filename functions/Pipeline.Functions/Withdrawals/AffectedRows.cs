using System.Text;
using Pipeline.Contracts;
using Pipeline.Datasets.Lineage;
using Pipeline.Storage;

namespace Pipeline.Functions.Withdrawals;

/// <summary>Finds the datasets of a project in which raw rows stand, and what was trained on them.</summary>
public sealed class AffectedRows(PipelineStorage storage)
{
    /// <summary>Looks through every dataset of the project's runs and versions.</summary>
    /// <param name="project">The project.</param>
    /// <param name="ids">Ids of raw rows, such as <c>tweets.csv#12</c>.</param>
    /// <param name="cancellation">Ends the call.</param>
    /// <returns>The datasets in which one of the rows stands, or for one of which another was left out.</returns>
    public async Task<IReadOnlyList<AffectedDataset>> FindAsync(
        string project,
        IReadOnlyList<string> ids,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(ids);
        RegistryPointer registry = await storage.Registry.GetAsync(project, cancellation);
        IReadOnlyList<RunRecord> runs = await storage.Runs.ListAsync(project, cancellation);
        List<AffectedDataset> affected = [];
        List<VersionEntry> purged = [.. registry.Versions.Values.Where(v => runs.All(r => r.RunId != v.RunId))];
        foreach (
            string dataset in runs.Select(r => r.DatasetId)
                .Concat(purged.Select(v => v.DatasetId))
                .OfType<string>()
                .Distinct(StringComparer.Ordinal)
        )
        {
            List<RowFate> fates = await FatesAsync(dataset, ids, cancellation);
            if (fates.Count > 0)
            {
                affected.Add(new AffectedDataset(dataset, fates, [.. RunsOf(dataset, runs, purged, registry)]));
            }
        }

        return affected;
    }

    private async Task<List<RowFate>> FatesAsync(
        string dataset,
        IReadOnlyList<string> ids,
        CancellationToken cancellation
    )
    {
        List<RowFate> fates = [];
        foreach (string file in RowSearch.Files)
        {
            if (await storage.Files.OpenAsync(BlobLayout.Dataset(dataset, file), null, cancellation) is { } blob)
            {
                using var reader = new StreamReader(blob.Stream, Encoding.UTF8);
                while (await reader.ReadLineAsync(cancellation) is { } line)
                {
                    fates.AddRange(ids.SelectMany(id => RowSearch.In(file, [line], id)));
                }
            }
        }

        return fates;
    }

    /// <summary>Runs of a dataset; those that were purged by the versions that they have published.</summary>
    private static IEnumerable<AffectedRun> RunsOf(
        string dataset,
        IReadOnlyList<RunRecord> runs,
        List<VersionEntry> purged,
        RegistryPointer registry
    ) =>
        runs.Where(r => r.DatasetId == dataset)
            .Select(r => new AffectedRun(r.RunId, r.State, r.Adapter, IsChampion(r, registry)))
            .Concat(
                purged
                    .Where(v => v.DatasetId == dataset)
                    .Select(v => new AffectedRun(
                        v.RunId!,
                        RunState.Completed,
                        BlobLayout.AdapterPrefix(registry.Project, v.Version),
                        v.State == VersionState.Champion
                    ))
            );

    private static bool IsChampion(RunRecord run, RegistryPointer registry) =>
        registry.Champion is { } champion && run.Adapter == BlobLayout.AdapterPrefix(run.Project, champion);
}
