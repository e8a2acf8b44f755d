using System.Text;
using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Functions.Durable;
using Pipeline.Functions.Training;
using Pipeline.Functions.Verdicts;
using Pipeline.Registry.Promotion;
using Pipeline.Reporting.Pages;
using Pipeline.Storage;

namespace Pipeline.Functions.Publishing;

/// <summary>
/// Holds a written adapter against what it must have, decides on the champion, and makes it visible by one pointer
/// write.
/// </summary>
public sealed class PublishAdapter(PipelineStorage storage, TimeProvider time)
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
    public async Task<string> Run([ActivityTrigger] TrainingAttempt input, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(input);
        RegistryPointer before = await storage.Registry.GetAsync(input.Project, cancellation);
        int version = before.Allotted[input.RunId];
        if (before.Published.Contains(version))
        {
            // called again: the answer is the one that was given before
            return await NoteAsync(input, version, before.Decisions[version], cancellation);
        }

        if (await storage.Files.ExistsAsync(BlobLayout.CancelRequest(input.RunId), cancellation))
        {
            throw new RunFailedException("The run was cancelled; nothing was published.");
        }

        await RequireFilesAsync(input.Project, version, cancellation);
        EvaluationReport evaluation = (await EvaluationOf(input.Project, version, cancellation))!;
        int? champion = before.Champion;
        EvaluationReport? rival = champion is null
            ? null
            : await RivalAsync(input.Project, version, champion.Value, cancellation);
        ProjectSettings settings = (
            await storage.Files.ReadJsonAsync<ProjectSettings>(BlobLayout.RunSettings(input.RunId), cancellation)
        )!;
        GateVerdict verdict = PromotionGate.Decide(new GateInput(version, evaluation, champion, rival, settings));
        await WriteVerdictAsync(input.Project, verdict, cancellation);
        VersionEntry entry = await EntryAsync(input, evaluation, verdict, cancellation);
        string? through = entry.Corrections is { } batch
            ? await CorrectionBatches.ThroughAsync(storage, input.Project, batch, cancellation)
            : null;
        RegistryPointer after = await storage.Registry.UpdateAsync(
            input.Project,
            p =>
                p.Published.Contains(version) || p.Champion == champion
                    ? VersionLedger.UseFeedback(
                        VersionLedger.Publish(p, entry, evaluation, verdict, time.GetUtcNow()),
                        through
                    )
                    : throw new InvalidOperationException(
                        "The champion has changed in between; the decision is made again."
                    ),
            cancellation
        );
        return await NoteAsync(input, version, after.Decisions[version], cancellation);
    }

    /// <summary>What the version is made of, for the registry.</summary>
    private async Task<VersionEntry> EntryAsync(
        TrainingAttempt input,
        EvaluationReport evaluation,
        GateVerdict verdict,
        CancellationToken cancellation
    )
    {
        RunRecord? run = await storage.Runs.GetAsync(input.RunId, cancellation);
        DatasetManifest? manifest = await storage.Files.ReadJsonAsync<DatasetManifest>(
            BlobLayout.Dataset(input.DatasetId, BlobLayout.ManifestFile),
            cancellation
        );
        AdapterProof? proof = await storage.Files.ReadJsonAsync<AdapterProof>(
            BlobLayout.Adapter(input.Project, verdict.Version, BlobLayout.ProofFile),
            cancellation
        );
        return new VersionEntry
        {
            Version = verdict.Version,
            State = VersionState.Candidate,
            Line = verdict.Line,
            RunId = input.RunId,
            Source = run?.Source,
            Corrections = manifest?.Corrections?.File,
            DatasetId = input.DatasetId,
            Base = evaluation.Base,
            SettingsSha256 = proof?.TrainingSha256,
            Parent = verdict.Champion,
            ScoreName = evaluation.ScoreName,
            Score = evaluation.TunedScore.Score,
            BaseScore = evaluation.BaseScore.Score,
            TestRows = evaluation.Outcomes.Count,
        };
    }

    /// <summary>Writes the verdict as data, and its line into report and model card.</summary>
    private async Task WriteVerdictAsync(string project, GateVerdict verdict, CancellationToken cancellation)
    {
        await storage.Files.WriteJsonAsync(
            BlobLayout.Adapter(project, verdict.Version, BlobLayout.GateFile),
            verdict,
            cancellation
        );
        foreach (
            (string file, Func<string, string, string> write) in ((string, Func<string, string, string>)[])
                [
                    (BlobLayout.ReportFile, EvaluationVerdict.WriteGateIntoPage),
                    (BlobLayout.ModelCardFile, EvaluationVerdict.WriteGateIntoCard),
                ]
        )
        {
            BlobAddress address = BlobLayout.Adapter(project, verdict.Version, file);
            string text = Encoding.UTF8.GetString((await storage.Files.ReadAsync(address, cancellation))!);
            await storage.Files.WriteAsync(address, Encoding.UTF8.GetBytes(write(text, verdict.Line)), cancellation);
        }
    }

    /// <exception cref="RunFailedException">A file that every adapter has is missing.</exception>
    private async Task RequireFilesAsync(string project, int version, CancellationToken cancellation)
    {
        string prefix = BlobLayout.AdapterPrefix(project, version);
        HashSet<string> written =
        [
            .. (await storage.Files.ListAsync(BlobLayout.AdaptersContainer, prefix, cancellation)).Select(b =>
                b.Name[prefix.Length..]
            ),
        ];
        string[] weights = written.Contains(BlobLayout.ModelWeightsFile) ? ModelFiles : AdapterFiles;
        if (weights.Concat(Needed).Except(written).FirstOrDefault() is { } missing)
        {
            throw new RunFailedException(
                $"The adapter v{version} is not whole: {missing} is missing. Nothing was published."
            );
        }
    }

    /// <summary>
    /// What the registry says is written into the run's row: it was published, even if a cancellation came in between.
    /// </summary>
    private async Task<string> NoteAsync(
        TrainingAttempt input,
        int version,
        string decision,
        CancellationToken cancellation
    )
    {
        EvaluationReport evaluation = (await EvaluationOf(input.Project, version, cancellation))!;
        await storage.Runs.UpdateAsync(
            input.RunId,
            run =>
                run with
                {
                    State = RunState.Completed,
                    Stage = RunStage.Done,
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

    /// <summary>The champion on the version's held-out rows; where it was not evaluated on them, on its own.</summary>
    private async Task<EvaluationReport?> RivalAsync(
        string project,
        int version,
        int champion,
        CancellationToken cancellation
    )
    {
        ChampionEvaluation? evaluated = await storage.Files.ReadJsonAsync<ChampionEvaluation>(
            BlobLayout.Adapter(project, version, BlobLayout.ChampionFile),
            cancellation
        );
        return evaluated?.Version == champion
            ? evaluated.Evaluation
            : await EvaluationOf(project, champion, cancellation);
    }

    private Task<EvaluationReport?> EvaluationOf(string project, int version, CancellationToken cancellation) =>
        storage.Files.ReadJsonAsync<EvaluationReport>(
            BlobLayout.Adapter(project, version, BlobLayout.EvaluationFile),
            cancellation
        );
}
