using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Functions.Http;
using Pipeline.Registry.Comparison;
using Pipeline.Registry.Promotion;
using Pipeline.Storage;

namespace Pipeline.Functions.Adapters;

/// <summary>
/// <c>GET /api/projects/{project}/compare?versions=16,17</c>: two versions on the held-out rows that both answered:
/// which is better, by how much, on which rows, and what changed in data, settings, base and code.
/// </summary>
public sealed class GetComparison(PipelineStorage storage)
{
    private const int RowsShown = 100;

    [Function(nameof(GetComparison))]
    public async Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "projects/{project}/compare")] HttpRequest request,
        string project,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(request);
        if (!BlobLayout.IsProjectName(project))
        {
            return HttpResults.NoProject(project);
        }

        List<int> versions = [];
        foreach (string text in request.Query["versions"].ToString().Split(','))
        {
            if (!VersionNumber.TryParse(text, out int version))
            {
                return HttpResults.BadRequest(
                    $"Give 'versions', two numbers with a comma, such as 16,17. {VersionNumber.Fault(text)}"
                );
            }

            versions.Add(version);
        }

        if (versions.Count != 2 || versions[0] == versions[1])
        {
            return HttpResults.BadRequest("Give 'versions', two different numbers with a comma, such as 16,17.");
        }

        RegistryPointer registry = await storage.Registry.GetAsync(project, cancellation);
        if (versions.FirstOrDefault(v => !registry.Published.Contains(v)) is var missing and > 0)
        {
            return HttpResults.NotFound($"V{missing} of '{project}' is not published.");
        }

        return TypedResults.Ok(await CompareAsync(registry, versions.Min(), versions.Max(), cancellation));
    }

    private async Task<VersionComparison> CompareAsync(
        RegistryPointer registry,
        int older,
        int newer,
        CancellationToken cancellation
    )
    {
        VersionFiles second = await ReadAsync(registry, newer, cancellation);
        VersionFiles first = await ReadAsync(registry, older, cancellation);
        ChampionEvaluation? again = await ReadAsync<ChampionEvaluation>(
            registry.Project,
            newer,
            BlobLayout.ChampionFile,
            cancellation
        );
        if (again?.Version == older)
        {
            first = first with { Evaluation = again.Evaluation }; // on the newer one's rows
        }

        return VersionComparer.Compare(
            registry.Project,
            first,
            second,
            await TextsAsync(second.Manifest, cancellation),
            RowsShown
        );
    }

    private async Task<VersionFiles> ReadAsync(RegistryPointer registry, int version, CancellationToken cancellation)
    {
        string project = registry.Project;
        EvaluationReport evaluation = (
            await ReadAsync<EvaluationReport>(project, version, BlobLayout.EvaluationFile, cancellation)
        )!;
        return new VersionFiles(
            VersionLedger.List(registry).Single(v => v.Version == version),
            evaluation,
            await storage.Files.ReadJsonAsync<DatasetManifest>(
                BlobLayout.Dataset(evaluation.DatasetId, BlobLayout.ManifestFile),
                cancellation
            ),
            await ReadAsync<TrainingSettings>(project, version, BlobLayout.TrainingFile, cancellation),
            await ReadAsync<AdapterProof>(project, version, BlobLayout.ProofFile, cancellation)
        );
    }

    private Task<T?> ReadAsync<T>(string project, int version, string file, CancellationToken cancellation)
        where T : class => storage.Files.ReadJsonAsync<T>(BlobLayout.Adapter(project, version, file), cancellation);

    /// <summary>What a dataset's held-out rows ask, by row id.</summary>
    private async Task<Dictionary<string, string>> TextsAsync(DatasetManifest? manifest, CancellationToken cancellation)
    {
        var texts = new Dictionary<string, string>(StringComparer.Ordinal);
        if (
            manifest is null
            || await storage.Files.OpenAsync(
                BlobLayout.Dataset(manifest.DatasetId, BlobLayout.TestFile),
                null,
                cancellation
            )
                is not { } blob
        )
        {
            return texts;
        }

        using var reader = new StreamReader(blob.Stream, Encoding.UTF8);
        while (await reader.ReadLineAsync(cancellation) is { } line)
        {
            Example row = ContractJson.Read<Example>(line);
            texts[row.Id] =
                row.Messages.LastOrDefault(m => m.Role == MessageRole.User)?.Content ?? row.Messages[^1].Content;
        }

        return texts;
    }
}
