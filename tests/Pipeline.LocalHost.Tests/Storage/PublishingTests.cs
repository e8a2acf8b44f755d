using Pipeline.Contracts;
using Pipeline.Functions.Publishing;
using Pipeline.Functions.Training;
using Pipeline.LocalHost.Tests.Hosting;
using Pipeline.Registry.Promotion;

namespace Pipeline.LocalHost.Tests.Storage;

/// <summary>Versions that are published at the same moment, each of them twice.</summary>
[Collection(OneHost.Name)]
public sealed class PublishingTests(HostFixture host)
{
    private const int Races = 8;
    private const int Rows = 300;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>
    /// Two retrainings end at once, both proven better than V1 and neither better than the other: the one that comes
    /// second is compared with the first, which stays.
    /// </summary>
    [Fact]
    public async Task Publish_TwoBetterVersionsAtOnce_MakesOneChampion()
    {
        for (int race = 0; race < Races; race++)
        {
            string project = $"race-{race}";
            await WriteVersionAsync(project, 1, row => row % 10 < 5);
            await WriteVersionAsync(project, 2, row => row % 10 < 7);
            await WriteVersionAsync(project, 3, row => (row + 3) % 10 < 7);
            await PublishAsync(project, 1);

            string[] decisions = await Task.WhenAll(
                ((int[])[2, 3, 3, 2]).Select(v => Task.Run(() => PublishAsync(project, v)))
            );

            RegistryPointer registry = await host.Storage.Registry.GetAsync(project, Cancellation);
            int winner = registry.Champion!.Value;
            int loser = winner == 2 ? 3 : 2;
            Assert.Contains(winner, (int[])[2, 3]);
            Assert.Equal([1, 2, 3], registry.Published);
            Assert.Equal(
                [(null, 1), (1, winner), (winner, winner)],
                registry.History.Select(e => (e.ChampionBefore, e.ChampionAfter))
            );
            Assert.Equal(
                (VersionState.Champion, VersionState.Rejected, VersionState.Retired),
                (registry.Versions[winner].State, registry.Versions[loser].State, registry.Versions[1].State)
            );
            GateVerdict lost = await VerdictAsync(project, loser);
            Assert.Equal((winner, false), (lost.Champion, lost.Promote));
            Assert.Equal(
                [registry.Decisions[2], registry.Decisions[3], registry.Decisions[3], registry.Decisions[2]],
                decisions
            );
        }
    }

    /// <summary>
    /// The host has died after the verdict was written and before the registry knew of it, and another version has
    /// become the champion since: it is decided anew, once.
    /// </summary>
    [Fact]
    public async Task Publish_AfterAVerdictThatTheRegistryDoesNotKnow_DecidesAnewAndOnce()
    {
        const string Project = "half-published";
        await WriteVersionAsync(Project, 1, row => row % 10 < 5);
        await WriteVersionAsync(Project, 2, row => row % 10 < 7);
        await WriteVersionAsync(Project, 3, row => row % 10 < 9);
        await PublishAsync(Project, 1);
        await PublishAsync(Project, 3);
        await host.Storage.Files.WriteJsonAsync(
            BlobLayout.Adapter(Project, 2, BlobLayout.GateFile),
            new GateVerdict
            {
                Version = 2,
                Champion = 1,
                Promote = true,
                Line = "V2 replaces V1 as champion: of the life before.",
                Checks = [],
            },
            Cancellation
        );

        string decision = await PublishAsync(Project, 2);
        string again = await PublishAsync(Project, 2);

        Assert.StartsWith("V2 is worse: V3 stays", decision, StringComparison.Ordinal);
        Assert.Equal(decision, again);
        RegistryPointer registry = await host.Storage.Registry.GetAsync(Project, Cancellation);
        Assert.Equal((3, 3), (registry.Champion, registry.History.Count));
        GateVerdict verdict = await VerdictAsync(Project, 2);
        Assert.Equal((3, false), (verdict.Champion, verdict.Promote));
    }

    /// <summary>Publishes, as the orchestration does: what another one has changed meanwhile is tried again.</summary>
    private async Task<string> PublishAsync(string project, int version)
    {
        var publish = new PublishAdapter(host.Storage, TimeProvider.System);
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return await publish.Run(Attempt(project, version), Cancellation);
            }
            catch (InvalidOperationException) when (attempt < 5)
            {
                // the champion has changed in between
            }
        }
    }

    private static TrainingAttempt Attempt(string project, int version) =>
        new($"{project}-run-{version}", project, $"{project}-data", "1");

    private async Task<GateVerdict> VerdictAsync(string project, int version) =>
        (
            await host.Storage.Files.ReadJsonAsync<GateVerdict>(
                BlobLayout.Adapter(project, version, BlobLayout.GateFile),
                Cancellation
            )
        )!;

    /// <summary>What a worker leaves of a version that has some rows right.</summary>
    private async Task WriteVersionAsync(string project, int version, Func<int, bool> isRight)
    {
        string runId = Attempt(project, version).RunId;
        await host.Storage.Registry.UpdateAsync(project, r => VersionLedger.Allot(r, runId), Cancellation);
        await host.Storage.Files.WriteJsonAsync(
            BlobLayout.RunSettings(runId),
            new ProjectSettings { Evaluation = new() { BootstrapSamples = 500 } },
            Cancellation
        );
        foreach (
            (string file, byte[] content) in ((string, byte[])[])
                [
                    (BlobLayout.EvaluationFile, ContractJson.WriteUtf8(Evaluation(isRight))),
                    (BlobLayout.ReportFile, []),
                    (BlobLayout.ModelCardFile, []),
                    (BlobLayout.AdapterWeightsFile, []),
                    (BlobLayout.AdapterConfigFile, []),
                ]
        )
        {
            await host.Storage.Files.WriteAsync(BlobLayout.Adapter(project, version, file), content, Cancellation);
        }

        await host.Storage.Files.WriteJsonAsync(
            BlobLayout.Adapter(project, version, BlobLayout.ProofFile),
            new AdapterProof
            {
                Checks = [],
                DatasetId = "data",
                Base = new Dictionary<string, string>(),
                TrainingSha256 = "t",
                AdapterSha256 = "a",
                Code = new Dictionary<string, string>(),
            },
            Cancellation
        );
    }

    private static EvaluationReport Evaluation(Func<int, bool> isRight)
    {
        double right = Enumerable.Range(0, Rows).Count(isRight) / (double)Rows;
        ModelScore Score(double share) =>
            new(share, null, new Interval(share, share), 1, 1, null, null, new Dictionary<string, LabelScore>());
        return new EvaluationReport
        {
            Task = TaskKind.Instruction,
            Base = "base",
            DatasetId = "data",
            Labels = [],
            BaseScore = Score(0.1),
            TunedScore = Score(right),
            Difference = new PairedDifference(right - 0.1, new Interval(right - 0.2, right), Rows, 0, 0),
            Baselines = new Dictionary<Baseline, BaselineScore>(),
            Confusion = [],
            TestSet = "set",
            Outcomes =
            [
                .. Enumerable
                    .Range(0, Rows)
                    .Select(row => new RowOutcome(
                        $"a.csv#{row}",
                        $"{row}",
                        "yes",
                        "no",
                        isRight(row) ? "yes" : "no",
                        [],
                        [],
                        null,
                        null
                    )
                    {
                        BaseScore = 0,
                        TunedScore = isRight(row) ? 1 : 0,
                    }),
            ],
        };
    }
}
