using System.Text;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Datasets.Ingestion;
using Pipeline.Tokenization;

namespace Pipeline.Functions.Tests.Datasets;

public sealed class DatasetBuilderTests
{
    private static readonly ChatEncoder Encoder = ChatEncoder.FromDirectory(
        RepositoryFiles.At("gpu-worker", "models", "tiny-llama-chat")
    );

    private static DatasetRequest Request(ProjectSettings settings, RawFile file, RawFile? test = null) =>
        new()
        {
            Project = "demo",
            Settings = settings,
            Files = [file],
            TestFile = test,
            Encoder = Encoder,
            TokenizerSha256 = "t",
        };

    private static BuiltDataset Build(string csv, ProjectSettings? settings = null, string? test = null) =>
        BuiltDataset.Of(
            Request(
                settings ?? new(),
                new RawFile("a.csv", Encoding.UTF8.GetBytes(csv)),
                test is null ? null : new RawFile("test.csv", Encoding.UTF8.GetBytes(test))
            )
        );

    private static string Filler(string label, int count, string word = "filler") =>
        string.Concat(Enumerable.Range(0, count).Select(i => $"{word} {label} {i},{label}\n"));

    private static void AssertAccountedFor(RowCounts rows)
    {
        Assert.Equal(rows.Read, rows.Accepted + rows.Rejected + rows.Duplicates);
        Assert.Equal(rows.Accepted, rows.Train + rows.Validation + rows.Test);
    }

    [Fact]
    public void Build_DirtyRows_EachEndsWithItsReason()
    {
        string longText = string.Join(' ', Enumerable.Repeat("word", 400));
        string csv =
            "text,label\n"
            + Filler("pos", 10)
            + Filler("neg", 10)
            + "Tom &amp; Jerry,pos\n" // 21 entity read
            + "filler POS 1,pos\n" // 22 duplicate
            + "filler neg 1,pos\n" // 23 conflict
            + ",pos\n" // 24 no text
            + "no label,\n" // 25
            + "odd label,unknown\n" // 26
            + longText
            + ",neg\n" // 27
            + "a,b,c\n" // 28
            + "bad \uFFFD bytes,pos\n"; // 29

        BuiltDataset build = Build(csv);

        Assert.Null(build.Fault);
        Assert.Equal(
            [
                ("a.csv#22", "duplicate"),
                ("a.csv#23", "conflicting_label"),
                ("a.csv#24", "missing_text"),
                ("a.csv#25", "missing_label"),
                ("a.csv#26", "unknown_label"),
                ("a.csv#27", "too_long"),
                ("a.csv#28", "malformed"),
                ("a.csv#29", "invalid_text"),
            ],
            build.Rejected().Select(r => (r.Id, r.Reason))
        );
        Assert.Equal("a.csv#2", build.Rejected()[0].DuplicateOf);
        Assert.Equal(
            (29, 21, 7, 1),
            (
                build.Manifest.Rows.Read,
                build.Manifest.Rows.Accepted,
                build.Manifest.Rows.Rejected,
                build.Manifest.Rows.Duplicates
            )
        );
        Assert.Contains(
            "Tom & Jerry",
            string.Concat(
                build
                    .Files.Where(f => f.Key.EndsWith(".jsonl", StringComparison.Ordinal))
                    .Select(f => Encoding.UTF8.GetString(f.Value))
            ),
            StringComparison.Ordinal
        );
        AssertAccountedFor(build.Manifest.Rows);
    }

    [Fact]
    public void Build_Twice_GivesTheSameBytesAndId()
    {
        string csv = "text,label\n" + Filler("pos", 30) + Filler("neg", 30);

        BuiltDataset first = Build(csv);
        BuiltDataset second = Build(csv);

        Assert.Equal(first.Manifest.Files, second.Manifest.Files);
        Assert.Equal(first.Manifest.DatasetId, second.Manifest.DatasetId);
    }

    [Fact]
    public void DatasetId_TrainingSettings_DoNotChangeItButSplitDoes()
    {
        string csv = "text,label\n" + Filler("pos", 30) + Filler("neg", 30);
        string id = Build(csv).Manifest.DatasetId;

        Assert.Equal(id, Build(csv, new ProjectSettings { Training = new() { R = 4 } }).Manifest.DatasetId);
        Assert.NotEqual(id, Build(csv, new ProjectSettings { Split = new() { Seed = 2 } }).Manifest.DatasetId);
    }

    [Fact]
    public void Build_TestFile_KeepsItsRowsAndDropsThemFromTraining()
    {
        BuiltDataset build = Build(
            "text,label\n" + Filler("pos", 30) + Filler("neg", 30),
            null,
            "text,label\n" + Filler("pos", 3) + Filler("neg", 3, "unseen")
        );

        Assert.Equal((6, 3), (build.Manifest.Rows.Test, build.Manifest.Rows.Duplicates));
        AssertAccountedFor(build.Manifest.Rows);
    }

    [Fact]
    public void Build_CodeBook_ReadsAliasesAndRefusesOthers()
    {
        var settings = new ProjectSettings
        {
            Labels =
            [
                new() { Name = "positive", Aliases = ["pos", "+"] },
                new() { Name = "negative", Aliases = ["NEG"] },
            ],
        };

        BuiltDataset build = Build("text,label\n" + Filler("pos", 10) + Filler("neg", 10) + "meh,neutral\n", settings);

        Assert.Equal(["negative", "positive"], build.Manifest.Labels);
        Assert.Equal(1, build.Manifest.Reasons["unknown_label"]);
        Assert.Contains("negative, positive", build.Manifest.SystemPrompt, StringComparison.Ordinal);
    }

    [Fact]
    public void Build_OneLabel_FaultKeepsTheManifest()
    {
        BuiltDataset build = Build("text,label\n" + Filler("pos", 10));

        Assert.Equal(DatasetException.OneLabel, build.Fault!.Code);
        Assert.Equal(10, build.Manifest.Rows.Read);
    }

    [Fact]
    public void Build_EveryRowRejected_FaultKeepsTheRows()
    {
        BuiltDataset build = Build("text,label\na,\nb,\n");

        Assert.Equal(DatasetException.NothingAccepted, build.Fault!.Code);
        Assert.Equal(2, build.Rejected().Count);
    }

    [Fact]
    public void Build_NoLabelColumn_NamesTheColumns()
    {
        DatasetException fault = Assert.Throws<DatasetException>(() => Build("id,text\n" + Filler("a", 20)));

        Assert.Equal(DatasetException.NoColumn, fault.Code);
        Assert.Contains("'id', 'text'", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Build_InstructionRows_LearnTheFreeAnswer()
    {
        var settings = new ProjectSettings { Task = ProjectSettings.InstructionTask };

        BuiltDataset build = Build(
            "instruction,output\n" + string.Concat(Enumerable.Range(0, 20).Select(i => $"say {i},it is {i}\n")),
            settings
        );

        Assert.Null(build.Fault);
        Assert.Empty(build.Manifest.Labels);
        Assert.Contains(
            "[INST] say 3 [/INST] it is 3 </s>",
            string.Concat(build.Files.Values.Select(f => Encoding.UTF8.GetString(f))),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Build_AirlineTweets_AccountsForEveryRow()
    {
        BuiltDataset build = BuiltDataset.Of(Request(new(), Shared("data", "tweets", "airline.csv")));

        Assert.Null(build.Fault);
        Assert.Equal(14_640, build.Manifest.Rows.Read);
        Assert.Equal(["negative", "neutral", "positive"], build.Manifest.Labels);
        Assert.Equal(new ColumnReading("text", "airline_sentiment", true), build.Manifest.Columns);
        AssertAccountedFor(build.Manifest.Rows);
    }

    [Fact]
    public void Build_Tweets3_TakesTheGivenTestSet()
    {
        BuiltDataset build = BuiltDataset.Of(
            Request(new(), Shared("data", "splits", "tweets3.train.tsv"), Shared("data", "splits", "tweets3.test.tsv"))
        );

        Assert.Null(build.Fault);
        Assert.Equal(7_715, build.Manifest.Rows.Read);
        Assert.InRange(build.Manifest.Rows.Test, 1_990, 2_000);
        AssertAccountedFor(build.Manifest.Rows);
    }

    [Fact]
    public void Build_Banking77_FindsItsLabels()
    {
        BuiltDataset build = BuiltDataset.Of(
            Request(
                new(),
                Shared("data", "classification", "banking77", "train.csv"),
                Shared("data", "classification", "banking77", "test.csv")
            )
        );

        Assert.Equal(77, build.Manifest.Labels.Count);
        Assert.InRange(build.Manifest.Rows.Test, 3_060, 3_080);
        AssertAccountedFor(build.Manifest.Rows);
    }

    private static RawFile Shared(params string[] parts) =>
        new(parts[^1], File.ReadAllBytes(RepositoryFiles.Shared(parts)));

    [Fact]
    public void Build_RowsNearlyInTheTestSet_AreNotLearned()
    {
        string csv =
            "text,label\n"
            + Filler("pos", 12)
            + Filler("neg", 12)
            + "RT @x the crew was friendly and the seat was wide http://t.co/1,pos\n";
        string test =
            "text,label\nThe crew was friendly and the seat was wide!,pos\nlost my luggage for three whole days,neg\n";

        BuiltDataset build = Build(
            csv,
            new ProjectSettings { Split = new SplitSettings { TestFile = "test.csv" } },
            test
        );

        RejectedRow left = Assert.Single(build.Rejected());
        Assert.Equal(
            ("a.csv#25", RejectedRow.Duplicate, RejectionReason.NearDuplicate, "test.csv#1"),
            (left.Id, left.Outcome, left.Reason, left.DuplicateOf)
        );
        AssertAccountedFor(build.Manifest.Rows);
    }

    [Theory]
    [InlineData(ValidationSettings.Group, 3)]
    [InlineData(ValidationSettings.Drop, 1)]
    public void Build_NearDuplicates_StayTogetherOrTheFirstStays(string nearDuplicates, int left)
    {
        string csv =
            "text,label\n"
            + Filler("pos", 30)
            + Filler("neg", 30)
            + "the crew was friendly and the seat was wide,pos\nThe crew was friendly and the seat was wide http://t.co/2,pos\n@y the crew was friendly and the seat was wide!,neg\n";

        BuiltDataset build = Build(
            csv,
            new ProjectSettings { Validation = new ValidationSettings { NearDuplicates = nearDuplicates } }
        );

        string[] files = [BlobLayout.TrainFile, BlobLayout.ValidationFile, BlobLayout.TestFile];
        int Crew(string file) =>
            build.Text(file).Split('\n').Count(l => l.Contains("crew was", StringComparison.OrdinalIgnoreCase));
        Assert.Equal(left, files.Sum(Crew));
        Assert.Single(files, f => Crew(f) > 0);
        Assert.Equal(
            nearDuplicates == ValidationSettings.Group
                ? new NearDuplicateCounts(1, 3, 3, 1)
                : new NearDuplicateCounts(0, 0, 0, 0),
            build.Manifest.NearDuplicates
        );
        AssertAccountedFor(build.Manifest.Rows);
    }

    [Fact]
    public void Build_FreeAnswersToOneQuestion_AreAllLearnedOnOneSide()
    {
        string rows = string.Concat(
            Enumerable
                .Range(0, 40)
                .Select(i =>
                    $$"""{"instruction": "Tell me a joke about number {{i % 10}} please", "output": "Joke {{i}}."}"""
                    + "\n"
                )
        );

        BuiltDataset build = BuiltDataset.Of(
            Request(new ProjectSettings(), new RawFile("a.jsonl", Encoding.UTF8.GetBytes(rows)))
        );

        Assert.Equal(40, build.Manifest.Rows.Accepted);
        string[] files = [BlobLayout.TrainFile, BlobLayout.ValidationFile, BlobLayout.TestFile];
        Assert.All(
            Enumerable.Range(0, 10),
            n => Assert.Single(files, f => build.Text(f).Contains($"number {n} please", StringComparison.Ordinal))
        );
    }

    /// <summary>The escapes belong to the JSON that is learned; in a text they are accidents.</summary>
    [Fact]
    public void Build_ExtractionAnswers_KeepTheirEscapes()
    {
        string rows = string.Concat(
            Enumerable
                .Range(0, 20)
                .Select(i =>
                    ContractJson.Write(
                        new Dictionary<string, string>
                        {
                            ["text"] = $"item {i} &amp; more",
                            ["label"] = $$"""{"item":"5\u0022 pipe & co \u0026lt; {{i}}"}""",
                        }
                    ) + "\n"
                )
        );

        BuiltDataset build = BuiltDataset.Of(
            Request(
                new ProjectSettings { Task = ProjectSettings.ExtractionTask, HasExplicitTask = true },
                new RawFile("a.jsonl", Encoding.UTF8.GetBytes(rows))
            )
        );

        Example first = ContractJson.Read<Example>(build.Text(BlobLayout.TrainFile).Split('\n')[0]);
        Assert.Contains("& more", first.Messages[0].Content, StringComparison.Ordinal);
        Assert.Contains("5\\u0022 pipe", first.Messages[^1].Content, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("plain words")]
    [InlineData("[1, 2]")]
    [InlineData("{\"a\": 1, \"a\": 2}")]
    [InlineData("{\"a\": 1")]
    [InlineData("{\"a\": \"half \\ud83d\"}")]
    public void Build_ExtractionAnswerThatIsNoObject_IsRejected(string answer)
    {
        string rows =
            string.Concat(
                Enumerable
                    .Range(0, 20)
                    .Select(i =>
                        ContractJson.Write(
                            new Dictionary<string, string>
                            {
                                ["text"] = $"item {i} and more",
                                ["label"] = $$"""{"item":{{i}}}""",
                            }
                        ) + "\n"
                    )
            )
            + ContractJson.Write(new Dictionary<string, string> { ["text"] = "another thing", ["label"] = answer })
            + "\n";

        BuiltDataset build = BuiltDataset.Of(
            Request(
                new ProjectSettings { Task = ProjectSettings.ExtractionTask, HasExplicitTask = true },
                new RawFile("a.jsonl", Encoding.UTF8.GetBytes(rows))
            )
        );

        RejectedRow rejected = Assert.Single(build.Rejected());
        Assert.Equal(("a.jsonl#21", RejectionReason.InvalidAnswer), (rejected.Id, rejected.Reason));
        Assert.NotEqual(RejectionReason.Advice("something else"), RejectionReason.Advice(rejected.Reason));
        Assert.Equal(20, build.Manifest.Rows.Accepted);
    }

    [Theory]
    [InlineData("reviewer", null)]
    [InlineData("annotator", null)]
    [InlineData("checked by", "checked by")]
    public void Build_ColumnOfReviewers_StaysWithEachRow(string column, string? said)
    {
        string csv =
            $"text,label,{column}\n"
            + string.Concat(
                Enumerable
                    .Range(0, 30)
                    .Select(i =>
                        $"filler text {i * 37},{(i % 2 == 0 ? "a" : "b")},{(i % 3 == 0 ? "" : $" person {i % 3} ")}\n"
                    )
            );

        BuiltDataset build = Build(csv, new ProjectSettings { Columns = new() { Reviewer = said } });

        Example[] rows = [.. build.Rows(BlobLayout.TrainFile, BlobLayout.ValidationFile, BlobLayout.TestFile)];
        Assert.Equal(30, rows.Length);
        Assert.All(
            rows,
            r =>
                Assert.Equal(
                    ((r.Source.Row - 1) % 3) switch
                    {
                        0 => null,
                        1 => "person 1",
                        _ => "person 2",
                    },
                    r.Reviewer
                )
        );
    }

    [Fact]
    public void Build_AnswerThatTheTokenizerCannotWrite_IsOneRejectedRow()
    {
        BuiltDataset build = Build(
            "text,label\n"
                + Filler("pos", 20)
                + Filler("neg", 20)
                + "an odd one,a▁b\nan odd two,a▁b\nan odd three,a▁b\n"
        );

        Assert.Null(build.Fault);
        Assert.Equal([RejectionReason.InvalidText], build.Rejected().Select(r => r.Reason).Distinct());
    }

    /// <summary>
    /// Templates with many near-duplicates on the border of the threshold: the audit, which clusters anew, finds no
    /// leak.
    /// </summary>
    [Fact]
    public void Build_ManyNearDuplicatesAtTheThreshold_LeakNothingTheAuditFinds()
    {
        var random = new Random(3);
        string[] templates =
        [
            .. Enumerable.Range(0, 12).Select(t => string.Join(' ', Enumerable.Range(0, 10).Select(k => $"t{t}w{k}"))),
        ];
        string csv =
            "text,label\n"
            + string.Concat(
                Enumerable
                    .Range(0, 1500)
                    .Select(i =>
                    {
                        string[] words = templates[i % 12].Split(' ');
                        words[random.Next(10)] = $"x{random.Next(9)}";
                        return $"{string.Join(' ', words)} {random.Next(40)},{(i % 12 < 6 ? "a" : "b")}\n";
                    })
            );

        BuiltDataset build = Build(csv);

        Assert.DoesNotContain(build.Audit.Checks, c => c.Level == AuditCheck.Red);
    }
}
