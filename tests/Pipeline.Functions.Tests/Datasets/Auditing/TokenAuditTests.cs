using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Datasets.Auditing;
using Pipeline.Datasets.Splitting;
using Pipeline.Functions.Tests.Datasets.Splitting;
using Pipeline.Reporting.Pages;
using Pipeline.Tokenization;
using static Pipeline.Functions.Tests.Datasets.DemoDataset;

namespace Pipeline.Functions.Tests.Datasets.Auditing;

/// <summary>Each check turns red for what it is there for, and nothing else does.</summary>
public sealed class TokenAuditTests
{
    private static readonly ProjectSettings Settings = new()
    {
        Validation = new() { MaxTokens = 64 },
        Training = new() { BatchSize = 4, Epochs = 3 },
        Machine = new() { TokensPerSecond = 10, PricePerHour = 6 },
    };

    private static Example Row(string id, string text, string answer, string? label = null) =>
        new()
        {
            Id = id,
            Messages = [new ChatMessage(MessageRole.User, text), new ChatMessage(MessageRole.Assistant, answer)],
            Text = text,
            Label = label,
            Source = new RowPlace("a.csv", 1, 1),
        };

    private static readonly Example[] Train =
    [
        .. Enumerable
            .Range(0, 10)
            .Select(i =>
                Row($"t{i}", $"the sky over town {i} is wide", i % 2 == 0 ? "a" : "b", i % 2 == 0 ? "a" : "b")
            ),
    ];
    private static readonly Example[] Test =
    [
        Row("h1", "nothing like any other text", "a", "a"),
        Row("h2", "an answer of its own kind", "b", "b"),
    ];

    private static DatasetAudit Audit(
        IEnumerable<Example> train,
        IEnumerable<Example> test,
        double? memoryGiB = null,
        double? gpuMemoryGiB = null,
        TrainingSettings? training = null
    )
    {
        var audit = new TokenAudit(
            Settings with
            {
                Training = training ?? Settings.Training,
                Machine = Settings.Machine with { MemoryGiB = memoryGiB, GpuMemoryGiB = gpuMemoryGiB },
            },
            DemoDataset.Encoder.Template.EndToken,
            new BaseModelFolders(RepositoryFiles.At("gpu-worker", "models")).Shape("tiny-llama-chat")
        );
        List<(Example Row, Split Split)> rows =
        [
            .. train.Select(r => (r, Split.Train)),
            .. test.Select(r => (r, Split.Test)),
        ];
        int[] clusters = NearDuplicatesTests.Clusters([.. rows.Select(r => r.Row.Messages[0].Content)]);
        HashSet<int> learned = [.. rows.Zip(clusters).Where(r => r.First.Split == Split.Train).Select(r => r.Second)];
        foreach (((Example row, Split split), int cluster) in rows.Zip(clusters))
        {
            audit.Add(
                split,
                row.Label,
                RowMeasure.From(DemoDataset.Encoder, row),
                split == Split.Test && learned.Contains(cluster),
                () => row.Id
            );
        }

        return audit.Build(
            "d",
            new LanguageCounts(12, new Dictionary<string, int> { ["English"] = 9, [LanguageCounts.NotDetected] = 3 }),
            0,
            []
        );
    }

    [Fact]
    public void Audit_SoundDataset_PassesWithItsNumbers()
    {
        DatasetAudit audit = Audit(Train, Test);

        Assert.All(audit.Checks, c => Assert.Equal((c.Name, AuditLevel.Ok), (c.Name, c.Level)));
        int tokens = Train.Sum(e => DemoDataset.Encoder.Encode(e.Messages).Ids.Count);
        Assert.Equal(
            (10, tokens, Train.Sum(e => DemoDataset.Encoder.Encode(e.Messages).SupervisedTokens)),
            (audit.Splits["train"].Rows, audit.Splits["train"].Tokens, audit.Splits["train"].Supervised)
        );
        Assert.Equal(
            (9, 3 * tokens, Math.Round(3.0 * tokens / 600, 2)),
            (audit.Steps, audit.TrainingTokens, audit.Minutes)
        );
        Assert.Equal(Math.Round(audit.Minutes!.Value / 10, 2), audit.Cost);
        Assert.Equal(["a", "b"], audit.Labels.Keys);
        Assert.Equal(12, audit.Lengths.Sum(b => b.Rows));
        Assert.Equal((1, true), (audit.Lengths[0].From, audit.Lengths[^1].Rows > 0));
        Assert.Equal(5, audit.Labels["a"].Rows);
    }

    [Theory]
    [InlineData(0.25, AuditLevel.Red)]
    [InlineData(24.0, AuditLevel.Ok)]
    public void Audit_MachineMemory_IsComparedWithWhatTrainingTakes(double gibibytes, AuditLevel level)
    {
        DatasetAudit audit = Audit(Train, Test, gibibytes);

        AuditCheck check = audit.Checks.Single(c => c.Name == "memory of the machine");
        Assert.Equal(level, check.Level);
        Assert.Contains(
            $"of {gibibytes.ToString("0.#", System.Globalization.CultureInfo.InvariantCulture)} GiB",
            check.Detail,
            StringComparison.Ordinal
        );
        Assert.Equal(level == AuditLevel.Ok, audit.Passed());
        Assert.DoesNotContain(Audit(Train, Test).Checks, c => c.Name == "memory of the machine");
    }

    [Theory]
    [InlineData(16, ActivationCheckpointing.Auto, AuditLevel.Ok, "activation checkpointing none takes 0.6 of 16 GiB")]
    [InlineData(
        0.5,
        ActivationCheckpointing.Auto,
        AuditLevel.Red,
        "activation checkpointing offload takes 0.6 of 0.5 GiB"
    )]
    [InlineData(16, ActivationCheckpointing.Full, AuditLevel.Ok, "activation checkpointing full takes 0.6 of 16 GiB")]
    public void Audit_GpuMemory_IsComparedWithWhatTrainingTakes(
        double gibibytes,
        ActivationCheckpointing memory,
        AuditLevel level,
        string detail
    )
    {
        DatasetAudit audit = Audit(
            Train,
            Test,
            gpuMemoryGiB: gibibytes,
            training: new TrainingSettings { ActivationCheckpointing = memory }
        );

        AuditCheck check = audit.Checks.Single(c => c.Name == "memory of the GPU");
        Assert.Equal((level, detail), (check.Level, check.Detail));
        Assert.Equal(
            ["offload", "full", "selective", "none"],
            audit.GpuMemory.OrderBy(m => m.Value).Select(m => m.Key)
        );
        Assert.DoesNotContain(Audit(Train, Test).Checks, c => c.Name == "memory of the GPU");
        Assert.Empty(
            Audit(Train, Test, gpuMemoryGiB: gibibytes, training: new TrainingSettings { Dora = true }).GpuMemory
        ); // the kernels do not train it
    }

    public static TheoryData<string, string> Faults =>
        new()
        {
            { "rows over validation.maxTokens", "long" },
            { "answers whose end token is not supervised", "unanswered" },
            { "rows without a supervised token", "unanswered" },
            { "test rows that are near duplicates of training rows", "leak" },
            { "labels that are held out and never learned", "label" },
        };

    [Theory]
    [MemberData(nameof(Faults))]
    public void Audit_Fault_IsRedWithTheRowAndTheFix(string check, string fault)
    {
        Example wrong = fault switch
        {
            "long" => Row("wrong", string.Join(' ', Enumerable.Repeat("word", 80)), "a", "a"),
            "unanswered" => Row("wrong", "a question without an answer", "a", "a") with
            {
                Messages = [new ChatMessage(MessageRole.User, "a question without an answer")],
            },
            "leak" => Row("wrong", "THE sky over town 3 is wide!", "b", "b"),
            _ => Row("wrong", "quite another thing altogether", "c", "c"),
        };

        DatasetAudit audit = fault is "leak" or "label"
            ? Audit(Train, Test.Append(wrong))
            : Audit(Train.Append(wrong), Test);

        AuditCheck red = audit.Checks.Single(c => c.Name == check);
        Assert.Equal((AuditLevel.Red, 1L), (red.Level, red.Value));
        Assert.Contains(fault == "label" ? "c" : "wrong", red.Detail, StringComparison.Ordinal);
        Assert.NotEmpty(red.Fix);
        Assert.False(audit.Passed());
        Assert.Contains(check, AuditPage.Verdict(audit), StringComparison.Ordinal);
    }

    /// <summary>A label that only the test set has: nothing is trained, and the files say why.</summary>
    [Fact]
    public void Build_TestSetWithAnUntrainedLabel_StopsWithTheReason()
    {
        string rows =
            "text,label\n"
            + string.Concat(
                Enumerable.Range(0, 20).Select(i => $"the sky over town {i} is wide,{(i % 2 == 0 ? "a" : "b")}\n")
            );
        string test =
            "text,label\nfirst of another kind,c\nsecond one of that kind,c\n"
            + "third and last of those,c\nsomething quite plain,a\n";

        BuiltDataset build = Build(rows, new ProjectSettings { Split = new() { TestFile = "test.csv" } }, test);

        Assert.Equal(DatasetFaultCode.AuditFailed, build.Fault!.Code);
        Assert.Contains(
            "labels that are held out and never learned: 1, c; give them training rows",
            build.Fault.Message,
            StringComparison.Ordinal
        );
        Assert.Equal(build.Manifest.Files[BlobLayout.AuditFile], ContentHash.Sha256(build.Files[BlobLayout.AuditFile]));
        string page = AuditPage.Write(build.Manifest, build.Audit);
        Assert.Contains("class=\"red\"", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", page, StringComparison.Ordinal);
    }
}
