using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Pipeline.Contracts;
using Pipeline.Registry.Comparison;
using Pipeline.Registry.Promotion;
using Pipeline.Reporting.Evaluations;
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
        [DurableClient] DurableTaskClient client,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(request);
        (ComparedVersions? compared, IResult? refusal) = await ComparedVersions.ReadAsync(
            storage,
            request,
            project,
            cancellation
        );
        if (compared is null)
        {
            return refusal!;
        }

        (VersionComparison comparison, bool isComplete) = await CompareAsync(compared, cancellation);
        (OlderAnswers state, string? fault) = await compared.StateAsync(client, isComplete, cancellation);
        return TypedResults.Ok(comparison with { OlderAnswers = state, Fault = fault });
    }

    private async Task<(VersionComparison Comparison, bool IsComplete)> CompareAsync(
        ComparedVersions compared,
        CancellationToken cancellation
    )
    {
        (RegistryPointer registry, (int older, int newer)) = compared;
        VersionFiles second = await ReadAsync(registry, newer, cancellation);
        VersionFiles first = await ReadAsync(registry, older, cancellation);
        bool isComplete = ChampionComparison.HasAnsweredAll(first.Evaluation, second.Evaluation);
        if (!isComplete && await AgainAsync(compared, cancellation) is { } again)
        {
            first = first with { Evaluation = again.Evaluation }; // on the newer one's rows
            isComplete = ChampionComparison.HasAnsweredAll(first.Evaluation, second.Evaluation);
        }

        first = first with { TrainedOn = await TrainedOnAsync(first.Manifest, second.Evaluation, cancellation) };
        Dictionary<string, string> texts = await TextsAsync(second.Manifest, cancellation);
        return (VersionComparer.Compare(registry.Project, first, second, texts, RowsShown), isComplete);
    }

    /// <summary>The older version on the newer one's rows, where a worker has let it answer them.</summary>
    private async Task<ChampionEvaluation?> AgainAsync(ComparedVersions compared, CancellationToken cancellation)
    {
        (RegistryPointer registry, (int older, int newer)) = compared;
        ChampionEvaluation? evaluated = await storage.Files.ReadJsonAsync<ChampionEvaluation>(
            BlobLayout.ComparedAnswers(registry.Project, older, newer),
            cancellation
        );
        ChampionEvaluation? champion = await ReadAsync<ChampionEvaluation>(
            registry.Project,
            newer,
            BlobLayout.ChampionFile,
            cancellation
        );
        return evaluated ?? (champion?.Version == older ? champion : null);
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

    /// <summary>Which rows of an evaluation a dataset trains on; <c>null</c>: it is gone.</summary>
    private async Task<IReadOnlySet<string>?> TrainedOnAsync(
        DatasetManifest? manifest,
        EvaluationReport evaluation,
        CancellationToken cancellation
    )
    {
        if (manifest is null)
        {
            return null;
        }

        HashSet<string> heldOut = [.. evaluation.Outcomes.Select(o => o.TextHash)];
        HashSet<string> trained = [];
        await foreach (Example row in RowsAsync(manifest, BlobLayout.TrainFile, cancellation))
        {
            if (EvaluationBuilder.TextHash(row) is var hash && heldOut.Contains(hash))
            {
                trained.Add(hash);
            }
        }

        return trained;
    }

    /// <summary>What a dataset's held-out rows ask, by row id.</summary>
    private async Task<Dictionary<string, string>> TextsAsync(DatasetManifest? manifest, CancellationToken cancellation)
    {
        var texts = new Dictionary<string, string>(StringComparer.Ordinal);
        if (manifest is not null)
        {
            await foreach (Example row in RowsAsync(manifest, BlobLayout.TestFile, cancellation))
            {
                texts[row.Id] =
                    row.Messages.LastOrDefault(m => m.Role == MessageRole.User)?.Content ?? row.Messages[^1].Content;
            }
        }

        return texts;
    }

    /// <summary>Rows of a dataset's file; none where it is gone.</summary>
    private async IAsyncEnumerable<Example> RowsAsync(
        DatasetManifest manifest,
        string file,
        [EnumeratorCancellation] CancellationToken cancellation
    )
    {
        BlobAddress address = BlobLayout.Dataset(manifest.DatasetId, file);
        if (await storage.Files.OpenAsync(address, null, cancellation) is { } blob)
        {
            using var reader = new StreamReader(blob.Stream, Encoding.UTF8);
            while (await reader.ReadLineAsync(cancellation) is { } line)
            {
                yield return ContractJson.Read<Example>(line);
            }
        }
    }
}
