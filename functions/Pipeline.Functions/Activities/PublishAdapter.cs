using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Functions.Orchestrations;
using Pipeline.Functions.Triggers;
using Pipeline.Registry.Promotion;
using Pipeline.Reporting.Statistics;
using Pipeline.Storage;

namespace Pipeline.Functions.Activities;

/// <summary>Holds a written adapter against what it must have, decides on the champion, and makes it visible by one pointer write.</summary>
public sealed class PublishAdapter(PipelineStorage storage, ProjectReader projects, TimeProvider time)
{
    public const string Name = nameof(PublishAdapter);
    private static readonly string[] Needed = [BlobLayout.AdapterWeightsFile, BlobLayout.AdapterConfigFile, BlobLayout.EvaluationFile, BlobLayout.ReportFile, BlobLayout.ModelCardFile];

    [Function(Name)]
    public async Task<string> Run([ActivityTrigger] JobInput input, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (await storage.Files.ExistsAsync(BlobLayout.CancelRequest(input.RunId), cancellation))
        {
            throw new RunFailedException("The run was cancelled; nothing was published.");
        }

        RegistryPointer before = await storage.Registry.GetAsync(input.Project, cancellation);
        int version = before.Allotted[input.RunId];
        string prefix = BlobLayout.AdapterPrefix(input.Project, version);
        HashSet<string> there = [.. (await storage.Files.ListAsync(BlobLayout.AdaptersContainer, prefix, cancellation)).Select(b => b.Name[prefix.Length..])];
        if (Needed.Except(there).FirstOrDefault() is { } missing)
        {
            throw new RunFailedException($"The adapter v{version} is not whole: {missing} is missing. Nothing was published.");
        }

        EvaluationReport evaluation = (await EvaluationOf(input.Project, version, cancellation))!;
        int? champion = before.Champion == version ? null : before.Champion; // asked again after the write: the same answer
        EvaluationReport? rival = champion is null ? null : await EvaluationOf(input.Project, champion.Value, cancellation);
        ProjectSettings settings = await projects.SettingsAsync(input.Project, cancellation);
        (bool promote, string reason) = ChampionGate.Decide(evaluation.Difference, champion, Against(rival, evaluation, settings), settings.Promotion);
        await storage.Registry.UpdateAsync(input.Project, p => p.Champion == before.Champion
            ? VersionLedger.Publish(p, version, promote)
            : throw new InvalidOperationException("The champion has changed in between; the decision is made again."), cancellation);
        string promotion = promote ? $"v{version} is the champion: {reason}" : $"v{version} is published, not promoted: {reason}";
        await storage.Runs.UpdateAsync(
            input.RunId,
            run => run.State == RunRecord.Cancelled ? run : run with
            {
                State = RunRecord.Completed,
                Stage = "done",
                Adapter = prefix,
                Promotion = promotion,
                UpdatedAt = time.GetUtcNow(),
                BaseAccuracy = evaluation.BaseScore.Accuracy,
                TunedAccuracy = evaluation.TunedScore.Accuracy,
            },
            cancellation);
        return promotion;
    }

    private Task<EvaluationReport?> EvaluationOf(string project, int version, CancellationToken cancellation) =>
        storage.Files.ReadJsonAsync<EvaluationReport>(BlobLayout.Adapter(project, version, BlobLayout.EvaluationFile), cancellation);

    /// <summary>New minus champion on the rows that both were asked.</summary>
    private static PairedDifference? Against(EvaluationReport? champion, EvaluationReport evaluation, ProjectSettings settings)
    {
        if (champion is null)
        {
            return null;
        }

        Dictionary<string, RowOutcome> known = champion.Outcomes.DistinctBy(o => o.TextHash).ToDictionary(o => o.TextHash, StringComparer.Ordinal);
        List<RowOutcome> both = [.. evaluation.Outcomes.Where(o => known.TryGetValue(o.TextHash, out RowOutcome? other) && other.Gold == o.Gold)];
        return both.Count < ChampionGate.FewestRows
            ? null
            : PairedComparison.Compare([.. both.Select(o => known[o.TextHash].Tuned == o.Gold)], [.. both.Select(o => o.Tuned == o.Gold)], settings.Evaluation.BootstrapSamples);
    }
}
