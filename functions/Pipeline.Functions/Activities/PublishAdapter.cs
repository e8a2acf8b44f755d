using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Functions.Orchestrations;
using Pipeline.Functions.Triggers;
using Pipeline.Registry.Promotion;
using Pipeline.Reporting.Statistics;
using Pipeline.Storage;

namespace Pipeline.Functions.Activities;

/// <summary>
/// Holds a written adapter against what it must have, decides on the champion, and makes it visible by one pointer
/// write.
/// </summary>
public sealed class PublishAdapter(PipelineStorage storage, ProjectReader projects, TimeProvider time)
{
    public const string Name = nameof(PublishAdapter);
    private static readonly string[] Needed =
    [
        BlobLayout.ProofFile,
        BlobLayout.EvaluationFile,
        BlobLayout.ReportFile,
        BlobLayout.ModelCardFile,
    ];
    private static readonly string[] AdapterFiles = [BlobLayout.AdapterWeightsFile, BlobLayout.AdapterConfigFile];
    private static readonly string[] ModelFiles = [BlobLayout.ModelWeightsFile, BlobLayout.ModelConfigFile];

    [Function(Name)]
    public async Task<string> Run([ActivityTrigger] JobInput input, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(input);
        RegistryPointer before = await storage.Registry.GetAsync(input.Project, cancellation);
        int version = before.Allotted[input.RunId];
        if (before.Published.Contains(version))
        {
            // asked again: the same is said
            return await NoteAsync(input, version, before.Decisions[version], cancellation);
        }

        if (await storage.Files.ExistsAsync(BlobLayout.CancelRequest(input.RunId), cancellation))
        {
            throw new RunFailedException("The run was cancelled; nothing was published.");
        }

        string prefix = BlobLayout.AdapterPrefix(input.Project, version);
        HashSet<string> there =
        [
            .. (await storage.Files.ListAsync(BlobLayout.AdaptersContainer, prefix, cancellation)).Select(b =>
                b.Name[prefix.Length..]
            ),
        ];
        string[] weights = there.Contains(BlobLayout.ModelWeightsFile) ? ModelFiles : AdapterFiles;
        if (weights.Concat(Needed).Except(there).FirstOrDefault() is { } missing)
        {
            throw new RunFailedException(
                $"The adapter v{version} is not whole: {missing} is missing. Nothing was published."
            );
        }

        EvaluationReport evaluation = (await EvaluationOf(input.Project, version, cancellation))!;
        int? champion = before.Champion;
        EvaluationReport? rival = champion is null
            ? null
            : await EvaluationOf(input.Project, champion.Value, cancellation);
        ProjectSettings settings = await projects.SettingsAsync(input.Project, cancellation);
        (bool promote, string reason) = ChampionGate.Decide(
            evaluation.Difference,
            champion,
            Against(rival, evaluation, settings),
            settings.Promotion
        );
        string promotion = promote
            ? $"v{version} is the champion: {reason}"
            : $"v{version} is published, not promoted: {reason}";
        RegistryPointer after = await storage.Registry.UpdateAsync(
            input.Project,
            p =>
                p.Published.Contains(version) || p.Champion == champion
                    ? VersionLedger.Publish(p, version, promote, promotion)
                    : throw new InvalidOperationException(
                        "The champion has changed in between; the decision is made again."
                    ),
            cancellation
        );
        return await NoteAsync(input, version, after.Decisions[version], cancellation);
    }

    /// <summary>
    /// What the registry says is written into the run's row: it was published, even if a cancellation came in between.
    /// </summary>
    private async Task<string> NoteAsync(JobInput input, int version, string decision, CancellationToken cancellation)
    {
        EvaluationReport evaluation = (await EvaluationOf(input.Project, version, cancellation))!;
        await storage.Runs.UpdateAsync(
            input.RunId,
            run =>
                run with
                {
                    State = RunRecord.Completed,
                    Stage = "done",
                    Adapter = BlobLayout.AdapterPrefix(input.Project, version),
                    Promotion = decision,
                    Error = null,
                    UpdatedAt = time.GetUtcNow(),
                    BaseAccuracy = evaluation.BaseScore.Score,
                    TunedAccuracy = evaluation.TunedScore.Score,
                },
            cancellation
        );
        return decision;
    }

    private Task<EvaluationReport?> EvaluationOf(string project, int version, CancellationToken cancellation) =>
        storage.Files.ReadJsonAsync<EvaluationReport>(
            BlobLayout.Adapter(project, version, BlobLayout.EvaluationFile),
            cancellation
        );

    /// <summary>New minus champion on the rows that both were asked.</summary>
    private static PairedDifference? Against(
        EvaluationReport? champion,
        EvaluationReport evaluation,
        ProjectSettings settings
    )
    {
        if (champion is null)
        {
            return null;
        }

        Dictionary<string, RowOutcome> known = champion
            .Outcomes.DistinctBy(o => o.TextHash)
            .ToDictionary(o => o.TextHash, StringComparer.Ordinal);
        List<RowOutcome> both =
        [
            .. evaluation.Outcomes.Where(o =>
                known.TryGetValue(o.TextHash, out RowOutcome? other) && other.Gold == o.Gold
            ),
        ];
        // A champion that was scored otherwise is met on what both reports have: whether the answer is exactly right.
        bool scoredAlike =
            champion.ScoreName == evaluation.ScoreName
            && both.All(o => o.TunedScore is not null && known[o.TextHash].TunedScore is not null);
        // Plain texts are scored a token, and another base has other tokens.
        if (evaluation.Task == ProjectSettings.TextTask && (!scoredAlike || champion.Base != evaluation.Base))
        {
            return null;
        }

        double Score(RowOutcome outcome) =>
            scoredAlike ? outcome.TunedScore!.Value
            : outcome.Tuned == outcome.Gold ? 1
            : 0;
        List<IGrouping<string, RowOutcome>> texts =
        [
            .. both.GroupBy(o => RowOutcome.TextOf(o.Id), StringComparer.Ordinal),
        ];
        return texts.Count < ChampionGate.FewestRows
            ? null
            : PairedComparison.Compare(
                [.. texts.Select(t => t.Average(o => Score(known[o.TextHash])))],
                (IReadOnlyList<double>)[.. texts.Select(t => t.Average(Score))],
                settings.Evaluation.BootstrapSamples
            );
    }
}
