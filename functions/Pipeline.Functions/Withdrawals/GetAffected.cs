using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Datasets.Lineage;
using Pipeline.Functions.Http;
using Pipeline.Storage;

namespace Pipeline.Functions.Withdrawals;

/// <summary>
/// <c>GET /api/projects/{project}/affected?source=NAME&amp;row=N</c>: the datasets that saw a raw row, and the adapters
/// trained on them.
/// </summary>
public sealed class GetAffected(PipelineStorage storage)
{
    [Function(nameof(GetAffected))]
    public async Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "projects/{project}/affected")] HttpRequest request,
        string project,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(request);
        if (!BlobLayout.IsProjectName(project))
        {
            return HttpResults.NoProject(project);
        }

        string source = request.Query["source"].ToString();
        if (
            source.Length == 0
            || !int.TryParse(request.Query["row"], System.Globalization.CultureInfo.InvariantCulture, out int row)
            || row < 1
        )
        {
            return HttpResults.BadRequest(
                "Give 'source', the file's name as rows have it, and 'row', the row's number from 1."
            );
        }

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
            List<RowFate> fates = [];
            foreach (string file in RowSearch.Files)
            {
                if (await storage.Files.OpenAsync(BlobLayout.Dataset(dataset, file), null, cancellation) is { } blob)
                {
                    using var reader = new StreamReader(blob.Stream, Encoding.UTF8);
                    fates.AddRange(RowSearch.In(file, Lines(reader), $"{source}#{row}"));
                }
            }

            if (fates.Count > 0)
            {
                affected.Add(new AffectedDataset(dataset, fates, [.. RunsOf(dataset, runs, purged, registry)]));
            }
        }

        return TypedResults.Ok(affected);
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

    private static IEnumerable<string> Lines(StreamReader reader)
    {
        while (reader.ReadLine() is { } line)
        {
            yield return line;
        }
    }
}
