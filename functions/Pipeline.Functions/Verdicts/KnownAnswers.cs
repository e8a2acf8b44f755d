using Microsoft.Extensions.Caching.Memory;
using Pipeline.Contracts;
using Pipeline.Reporting.Baselines;
using Pipeline.Storage;

namespace Pipeline.Functions.Verdicts;

/// <summary>
/// The answers that published versions gave to their held-out rows, by id. A version's files do not change: they are
/// read once and kept in memory for a while.
/// </summary>
public sealed class KnownAnswers(PipelineStorage storage) : IDisposable
{
    private const int RowsInMemory = 200_000;
    private static readonly TimeSpan Kept = TimeSpan.FromMinutes(30);
    private readonly MemoryCache _versions = new(new MemoryCacheOptions { SizeLimit = RowsInMemory });

    /// <summary>The answer of an id; <c>null</c>: no published version has given it.</summary>
    public async Task<AnswerRecord?> FindAsync(RegistryPointer registry, string id, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(registry);
        ArgumentNullException.ThrowIfNull(id);
        return TryReadVersion(id, out int version) && registry.Published.Contains(version)
            ? (await OfAsync(registry, version, cancellation)).ById.GetValueOrDefault(id)
            : null;
    }

    /// <summary>All answers of a published version, in the order of its held-out rows.</summary>
    public async Task<IReadOnlyList<AnswerRecord>> ListAsync(
        RegistryPointer registry,
        int version,
        CancellationToken cancellation
    ) => (await OfAsync(registry, version, cancellation)).All;

    /// <summary>The labels of a published version's task; empty for free answers.</summary>
    public async Task<IReadOnlyList<string>> LabelsAsync(
        RegistryPointer registry,
        int version,
        CancellationToken cancellation
    ) => (await OfAsync(registry, version, cancellation)).Labels;

    /// <inheritdoc/>
    public void Dispose() => _versions.Dispose();

    private static bool TryReadVersion(string id, out int version)
    {
        int end = id.IndexOf('-', StringComparison.Ordinal);
        version = 0;
        return end > 1 && id[0] == 'v' && int.TryParse(id.AsSpan(1, end - 1), out version);
    }

    private async Task<VersionAnswers> OfAsync(RegistryPointer registry, int version, CancellationToken cancellation)
    {
        (string, int, DateTimeOffset?) key = (
            registry.Project,
            version,
            registry.Versions.GetValueOrDefault(version)?.PublishedAt
        );
        if (_versions.TryGetValue(key, out VersionAnswers? known))
        {
            return known!;
        }

        VersionAnswers read = await ReadAsync(registry, version, cancellation);
        using ICacheEntry entry = _versions.CreateEntry(key);
        (entry.Value, entry.Size, entry.SlidingExpiration) = (read, read.All.Count + 1, Kept);
        return read;
    }

    private async Task<VersionAnswers> ReadAsync(RegistryPointer registry, int version, CancellationToken cancellation)
    {
        BlobAddress File(string name) => BlobLayout.Adapter(registry.Project, version, name);
        EvaluationReport? evaluation = await storage.Files.ReadJsonAsync<EvaluationReport>(
            File(BlobLayout.EvaluationFile),
            cancellation
        );
        if (evaluation is null)
        {
            return new VersionAnswers([], []);
        }

        byte[]? template = await storage.Files.ReadAsync(File(BlobLayout.TemplateFile), cancellation);
        string? templateSha256 = template is null ? null : ContentHash.Sha256(template);
        AdapterProof? proof = await storage.Files.ReadJsonAsync<AdapterProof>(File(BlobLayout.ProofFile), cancellation);
        Dictionary<string, (string Question, int Turns)> questions = await QuestionsAsync(
            evaluation.DatasetId,
            cancellation
        );
        return new VersionAnswers(
            [
                .. evaluation
                    .Outcomes.Where(o => questions.ContainsKey(o.Id))
                    .Select(o => new AnswerRecord
                    {
                        Id = $"v{version}-{o.TextHash}",
                        Version = version,
                        RowId = o.Id,
                        Text = questions[o.Id].Question,
                        Turns = questions[o.Id].Turns,
                        Answer = o.Tuned,
                        Gold = o.Gold,
                        Probability = Likelihood(evaluation.Labels, o)?.Probability,
                        Margin = Likelihood(evaluation.Labels, o)?.Margin,
                        Base = evaluation.Base,
                        TemplateSha256 = templateSha256,
                        SettingsSha256 = proof?.TrainingSha256,
                    }),
            ],
            evaluation.Labels
        );
    }

    /// <summary>The softmax of the labels' summed log likelihoods: at the answer, and what parts the first
    /// two.</summary>
    private static (double Probability, double Margin)? Likelihood(IReadOnlyList<string> labels, RowOutcome outcome)
    {
        int answered = labels.ToList().IndexOf(outcome.Tuned);
        if (answered < 0 || labels.Count < 2 || outcome.TunedLikelihoods.Count != labels.Count)
        {
            return null;
        }

        double largest = outcome.TunedLikelihoods.Max();
        double[] weights = [.. outcome.TunedLikelihoods.Select(l => Math.Exp(l - largest))];
        double sum = weights.Sum();
        return (weights[answered] / sum, LearningOrder.Margin([.. weights.Select(w => (float)(w / sum))]));
    }

    /// <summary>What the rows of a test set ask last, and how many questions they have, by row id.</summary>
    private async Task<Dictionary<string, (string Question, int Turns)>> QuestionsAsync(
        string datasetId,
        CancellationToken cancellation
    )
    {
        (Stream Stream, string Tag)? opened = await storage.Files.OpenAsync(
            BlobLayout.Dataset(datasetId, BlobLayout.TestFile),
            null,
            cancellation
        );
        Dictionary<string, (string, int)> questions = new(StringComparer.Ordinal);
        if (opened is not { } test)
        {
            return questions; // its dataset was deleted
        }

        using var reader = new StreamReader(test.Stream);
        while (await reader.ReadLineAsync(cancellation) is { } line)
        {
            Example row = ContractJson.Read<Example>(line);
            ChatMessage[] turns = [.. row.Messages.Where(m => m.Role == MessageRole.User)];
            if (turns.Length > 0)
            {
                questions[row.Id] = (turns[^1].Content, turns.Length);
            }
        }

        return questions;
    }

    private sealed record VersionAnswers(IReadOnlyList<AnswerRecord> All, IReadOnlyList<string> Labels)
    {
        public Dictionary<string, AnswerRecord> ById { get; } =
            All.DistinctBy(a => a.Id, StringComparer.Ordinal).ToDictionary(a => a.Id, StringComparer.Ordinal);
    }
}
