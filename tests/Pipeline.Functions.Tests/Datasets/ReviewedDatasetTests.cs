using System.Text;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Datasets.Building;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Functions.Tests.Datasets;

/// <summary>Datasets of texts that people have answered, taken out, or not answered yet.</summary>
public sealed class ReviewedDatasetTests
{
    private static string Text(int i) => $"What number {i * 7919} has written of article {i * 104729} in a few words";

    private static readonly ProjectSettings Unlabelled = new() { Review = new ReviewSettings { Unlabelled = true } };

    private static RawFile Texts(int rows) =>
        new(
            "texts.csv",
            Encoding.UTF8.GetBytes(
                "id,comment\n" + string.Concat(Enumerable.Range(0, rows).Select(i => $"{i},{Text(i)}\n"))
            )
        );

    private static DatasetRequest Request(ProjectSettings settings, RawFile data, params string[] lines) =>
        DemoDataset.Request(settings, data) with
        {
            Corrections =
                lines.Length == 0
                    ? null
                    : new RawFile("verdicts-0123.jsonl", Encoding.UTF8.GetBytes(string.Join('\n', lines) + "\n")),
        };

    [Fact]
    public void Build_TextsWithoutAnswers_AreRejectedAndKeptForTheQueue()
    {
        BuiltDataset built = BuiltDataset.From(Request(Unlabelled, Texts(50)));

        Assert.StartsWith("None of the 50 texts has an answer yet", built.Fault!.Message, StringComparison.Ordinal);
        Assert.Equal(50, built.Rejected().Count(r => r.Reason == RejectionReason.MissingLabel));
        Assert.Equal(("texts without answers", "comment"), (built.Manifest.Layout, built.Manifest.Columns.Text));
    }

    [Fact]
    public void Build_TextsOfWhichPeopleHaveAnsweredSome_LearnsThose()
    {
        string[] lines =
        [
            .. Enumerable
                .Range(0, 40)
                .Select(i =>
                    Corrections.Line(Text(i).ToUpperInvariant(), i % 2 == 0 ? "a" : "b", isNamed: true, "ann")
                ),
            Corrections.Line(Text(40), "", isNamed: true, "ann"),
            Corrections.Line(Text(41), "a", isNamed: true, "ann", "R1"),
            Corrections.Line(Text(42), "a", isNamed: false, "eve"),
        ];

        BuiltDataset built = BuiltDataset.From(Request(Unlabelled, Texts(50), lines));

        Assert.Null(built.Fault);
        Assert.Equal(["a", "b"], built.Manifest.Labels);
        Assert.Equal((40, 41), (built.Manifest.Corrections!.Named, built.Manifest.Corrections.Rows));
        Assert.Equal(
            new Dictionary<string, int>
            {
                ["corrected"] = 40,
                ["disapproved"] = 1,
                ["missing_label"] = 8,
                ["rule_unclear"] = 1,
            },
            built.Manifest.Reasons.ToDictionary()
        );
        RowCounts rows = built.Manifest.Rows;
        Assert.Equal(rows.Read, rows.Accepted + rows.Rejected + rows.Duplicates);
        Assert.Equal(41, rows.Accepted);
    }

    /// <summary>A row that a reviewer has taken out is in no split, however it is spelt; one of nobody's key
    /// stays.</summary>
    [Fact]
    public void Build_RowsThatReviewersHaveTakenOut_AreNotLearned()
    {
        var data = new RawFile(
            "a.csv",
            Encoding.UTF8.GetBytes(
                "text,label\n"
                    + string.Concat(Enumerable.Range(0, 60).Select(i => $"{Text(i)},{(i % 2 == 0 ? "a" : "b")}\n"))
            )
        );

        BuiltDataset built = BuiltDataset.From(
            Request(
                new ProjectSettings(),
                data,
                Corrections.Line(Text(3).ToLowerInvariant(), "", isNamed: true, "ann"),
                Corrections.Line(Text(4), "a", isNamed: true, "ann", "R1"),
                Corrections.Line(Text(5), "", isNamed: false, null)
            )
        );

        Assert.Equal(
            [("a.csv#4", RejectionReason.Disapproved), ("a.csv#5", RejectionReason.RuleUnclear)],
            built.Rejected().Select(r => (r.Id, r.Reason)).Order()
        );
        Assert.Contains("rule 'R1'", built.Rejected()[1].Detail, StringComparison.Ordinal);
        Assert.Equal(58, built.Manifest.Rows.Accepted);
    }

    /// <summary>Reviewers see a test row as it is stored, with its private values replaced: they take out that
    /// row.</summary>
    [Fact]
    public void Build_RowTakenOutByItsMaskedText_IsNotLearned()
    {
        var data = new RawFile(
            "a.csv",
            Encoding.UTF8.GetBytes(
                "text,label\n"
                    + string.Concat(
                        Enumerable
                            .Range(0, 60)
                            .Select(i => $"{Text(i)} and mail to p{i}@example.org,{(i % 2 == 0 ? "a" : "b")}\n")
                    )
            )
        );
        var settings = new ProjectSettings { Privacy = new PrivacySettings { Mode = PrivacyMode.Mask } };
        Example masked = BuiltDataset.From(Request(settings, data)).Rows(BlobLayout.TrainFile)[0];
        string text = masked.Messages[^2].Content;
        Assert.DoesNotContain("@", text, StringComparison.Ordinal);

        BuiltDataset built = BuiltDataset.From(
            Request(settings, data, Corrections.Line(text, "", isNamed: true, "ann"))
        );

        Assert.Equal((masked.Id, RejectionReason.Disapproved), built.Rejected().Select(r => (r.Id, r.Reason)).Single());
    }

    /// <summary>A test set that somebody supplies is theirs.</summary>
    [Fact]
    public void Build_TestRowThatAReviewerTakesOut_Stays()
    {
        RawFile File(string name, int from) =>
            new(
                name,
                Encoding.UTF8.GetBytes(
                    "text,label\n"
                        + string.Concat(
                            Enumerable.Range(from, 40).Select(i => $"{Text(i)},{(i % 2 == 0 ? "a" : "b")}\n")
                        )
                )
            );
        DatasetRequest request = Request(
            new ProjectSettings { Split = new SplitSettings { TestFile = "test.csv" } },
            File("a.csv", 0),
            Corrections.Line(Text(41), "", isNamed: true, "ann")
        );

        BuiltDataset built = BuiltDataset.From(request with { TestFile = File("test.csv", 40) });

        Assert.Equal(40, built.Manifest.Rows.Test);
    }

    /// <summary>Rejected rows that come back with their labels filled in are read with them.</summary>
    [Fact]
    public void Build_TextsThatComeBackWithLabels_AreReadWithThem()
    {
        var corrected = new RawFile(
            "corrected.csv",
            Encoding.UTF8.GetBytes(
                "comment,label\n"
                    + string.Concat(Enumerable.Range(0, 30).Select(i => $"{Text(i)},{(i % 2 == 0 ? "a" : "b")}\n"))
            )
        );

        BuiltDataset built = BuiltDataset.From(Request(Unlabelled, Texts(50)) with { Files = [Texts(50), corrected] });

        Assert.Equal((30, 50), (built.Manifest.Rows.Accepted, built.Manifest.Reasons["missing_label"]));
    }

    [Theory]
    [InlineData("columns: { alsoText: [id] }\nreview: { unlabelled: true }\n", "put them together")]
    [InlineData("task: text\nreview: { unlabelled: true }\n", "task: text, which learns no answers")]
    [InlineData("columns: { label: x }\nreview: { unlabelled: true }\n", "leave one of them out")]
    public void Build_SettingsThatContradict_AreRefused(string yaml, string words)
    {
        ProjectSettings settings = Pipeline.Datasets.Configuration.ProjectFile.Read(yaml);

        string message = Assert.Throws<DatasetException>(() => BuiltDataset.From(Request(settings, Texts(50)))).Message;

        Assert.Contains(words, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Build_TextsAloneWithoutTheSetting_SaysWhichSettingThereIs()
    {
        var settings = new ProjectSettings { Task = TaskKind.Classification, HasExplicitTask = true };

        string message = Assert.Throws<DatasetException>(() => BuiltDataset.From(Request(settings, Texts(50)))).Message;

        Assert.Contains("review: { unlabelled: true }", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("rules: [{ id: a, definition: x }, { id: a, definition: y }]\n", "has 'a' twice")]
    [InlineData("labels: [p, q]\nrules: [{ id: a, definition: x, label: z }]\n", "the label 'z', which is not under")]
    [InlineData("rules: [{ id: 'a b', definition: x }]\n", "use 1 to 40 letters")]
    [InlineData("rules: [{ id: a }]\n", "definition")]
    public void Read_RulesThatAreWrong_AreRefusedWithTheirLine(string yaml, string words)
    {
        string message = Assert
            .Throws<DatasetException>(() => Pipeline.Datasets.Configuration.ProjectFile.Read(yaml))
            .Message;

        Assert.Contains("line ", message, StringComparison.Ordinal);
        Assert.Contains(words, message, StringComparison.Ordinal);
    }
}
