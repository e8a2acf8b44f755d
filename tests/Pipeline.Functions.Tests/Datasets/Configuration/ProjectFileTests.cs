using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Datasets.Configuration;

namespace Pipeline.Functions.Tests.Datasets.Configuration;

public sealed class ProjectFileTests
{
    [Fact]
    public void Read_EmptyFile_HasEveryDefault() =>
        Assert.Equal(ContractJson.Write(new ProjectSettings()), ContractJson.Write(ProjectFile.Read("")));

    [Fact]
    public void Read_EveryKey_IsTaken()
    {
        ProjectSettings settings = ProjectFile.Read(
            """
            task: instruction
            columns: { text: question, label: answer }
            labels: [yes, { name: no, aliases: [nope] }]
            systemPrompt: Be brief.
            validation: { maxTokens: 100 }
            split: { validation: 0.2, test: held-out.tsv, seed: 7 }
            base: other-base
            training: { method: lora, r: 4, alpha: 8, dropout: 0, epochs: 2, batchSize: 3, gradientAccumulation: 2, learningRate: 0.01,
                        schedule: linear, warmupSteps: 5, weightDecay: 0.1, clipNorm: 2, seed: 9, checkpointSteps: 11 }
            evaluation: { bootstrapSamples: 500, generate: false }
            promotion: { minimumGain: 0.02 }
            retraining: { feedbackCount: 10, scheduledMinimum: 2 }
            """
        );

        Assert.Equal("held-out.tsv", settings.Split.TestFile);
        Assert.Equal(["nope"], settings.Labels[1].Aliases);
        Assert.Equal(
            (4, 8.0, 0.01, RateSchedule.Linear, 11),
            (
                settings.Training.R,
                settings.Training.Alpha,
                settings.Training.LearningRate,
                settings.Training.Schedule,
                settings.Training.CheckpointSteps
            )
        );
        Assert.Equal(
            (500, false, 0.02, 10, 2),
            (
                settings.Evaluation.BootstrapSamples,
                settings.Evaluation.Generate,
                settings.Promotion.MinimumGain,
                settings.Retraining.FeedbackCount,
                settings.Retraining.ScheduledMinimum
            )
        );
    }

    [Theory]
    [InlineData("task: classification\nlables: [a]\n", "line 2: 'lables' is not a known key")]
    [InlineData("training:\n  r: sixteen\n", "line 2: 'training.r' is 'sixteen', not a whole number")]
    [InlineData("training:\n  r: 0\n", "line 2: 'training.r' is 0; it must lie between 1 and 1024")]
    [InlineData("training: [1]\n", "line 1: 'training' must be a mapping")]
    [InlineData(
        "training: { learningRate: 0 }\n",
        "'training.learningRate' is 0; it must lie between 0 (exclusive) and 1"
    )]
    [InlineData(
        "training:\n  activationCheckpointing: small\n",
        "line 2: 'training.activationCheckpointing' is 'small': use one of offload, full, selective, none, auto"
    )]
    [InlineData("training:\n  targets: q_proj\n", "line 2: 'training.targets' must be a list")]
    [InlineData("notify: { webhooks: [http://example.org/a] }\n", "use an address that begins with https://")]
    [InlineData("notify: { webhooks: [ { url: 'https://u:p@example.org' } ] }\n", "use an address that begins with")]
    [InlineData("notify: { webhooks: [ { url: https://a.example, form: sms } ] }\n", "json, slack, teams")]
    [InlineData("notify: { mail: [nobody] }\n", "use a mail address such as name@example.org")]
    [InlineData("template: gemma\n", "line 1: 'template' is 'gemma'")]
    [InlineData(
        "task: sorting\n",
        "line 1: 'task' is 'sorting': use one of classification, extraction, deidentification, instruction, chat, text"
    )]
    [InlineData("task: text\nlabels: [a, b]\n", "line 2: 'labels' is about answers, and task: text learns plain texts")]
    [InlineData(
        "training:\n  method: full\n  alpha: 8\n",
        "line 3: 'training.alpha' is about adapters, and method: full trains none"
    )]
    [InlineData("split: { test: ../secret.tsv }\n", "'split.test' is '../secret.tsv'")]
    [InlineData("base: ../../etc\n", "'base' is '../../etc'")]
    [InlineData("labels: [a, A]\n", "names 'A' twice")]
    [InlineData("a: [\n", "line 2")]
    [InlineData("- a\n", "line 1: a mapping of keys is expected")]
    [InlineData("&a\n? *a\n: 1\n? [*a]\n: 2\n", "line 2: a key must be a single value, not an alias")]
    [InlineData("? [a]\n: 2\n", "line 1: a key must be a single value, not a list or a mapping")]
    [InlineData("labels: [a]\n? {b: c}\n: 2\n", "line 2: a key must be a single value, not a list or a mapping")]
    [InlineData("labels: &a\n  - *a\n", "line 2: the alias '*a' stands within what it names")]
    [InlineData(
        "split: &s { seed: 2 }\ntraining:\n  <<: *s\n",
        "line 3: merge keys ('<<') are not read; write the keys"
    )]
    [InlineData("training:\n  r: 2\n  r: 3\n", "line 3: the key 'r' stands here twice, first on line 2")]
    [InlineData("base: a\n\"base\": b\n", "line 2: the key 'base' stands here twice, first on line 1")]
    [InlineData(
        "labels: [{ name: a, zzzzzzzzzz: b }]\n",
        "line 1: 'labels[0].zzzzzzzzzz' is not a known key; known here"
    )]
    [InlineData("base: a\n---\nbase: b\n", "line 2: a second document begins here ('---'); the settings are one doc")]
    [InlineData("labels: &a { name: b, aliases: [*a] }\n", "line 1: the alias '*a' stands within what it names")]
    [InlineData("labels: *nowhere\n", "line 1")]
    public void Read_Fault_IsNamedWithItsLine(string yaml, string message)
    {
        DatasetException fault = Assert.Throws<DatasetException>(() => ProjectFile.Read(yaml));

        Assert.Equal(DatasetFaultCode.InvalidSettings, fault.Code);
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }

    /// <summary>What would overflow the stack or take exponential time is refused before a node is made.</summary>
    [Fact]
    public void Read_OverABound_IsRefusedWithItsLine()
    {
        string laughs =
            "a: &a [x,x,x,x,x,x,x,x,x]\n"
            + string.Concat(
                "abcdefg".Select(c =>
                    $"{(char)(c + 1)}: &{(char)(c + 1)} [{string.Join(',', Enumerable.Repeat($"*{c}", 9))}]\n"
                )
            );
        string ladder =
            "a: &a [x]\n"
            + string.Concat(
                Enumerable.Range(0, 20).Select(i => $"{(char)('b' + i)}: &{(char)('b' + i)} [*{(char)('a' + i)}]\n")
            );
        (string Yaml, string Message)[] cases =
        [
            ("a: " + new string('[', 50_000), "line 1: lists and mappings lie more than 16 deep"),
            (
                "a: " + string.Concat(Enumerable.Repeat("{a: ", 50_000)),
                "line 1: lists and mappings lie more than 16 deep"
            ),
            (string.Concat(Enumerable.Repeat("- ", 50_000)), "line 1: lists and mappings lie more than 16 deep"),
            (laughs, "line 6: with its aliases written out the file has more than 100,000 values"),
            (ladder, "line 16: lists and mappings lie more than 16 deep"),
            ("# " + new string('x', 1_000_000), "more than 1,000,000 characters"),
        ];

        foreach ((string yaml, string message) in cases)
        {
            Assert.Contains(
                message,
                Assert.Throws<DatasetException>(() => ProjectFile.Read(yaml)).Message,
                StringComparison.Ordinal
            );
        }
    }

    [Fact]
    public void Read_AliasesWithinBounds_AreTaken() =>
        Assert.Equal(
            ["a", "b"],
            ProjectFile.Read("labels: [&x { name: a, aliases: &more [c] }, { name: b }]\n").Labels.Select(l => l.Name)
        );

    [Fact]
    public void Read_TwoFaults_AreBothInOneMessage()
    {
        DatasetException fault = Assert.Throws<DatasetException>(() =>
            ProjectFile.Read("training:\n  r: x\n  epochs: 0\n")
        );

        Assert.Contains("line 2", fault.Message, StringComparison.Ordinal);
        Assert.Contains("line 3", fault.Message, StringComparison.Ordinal);
    }
}
