using System.Text;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Datasets.Building;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Functions.Tests.Datasets;

/// <summary>A project's guard set: its rows are evaluated, and nothing is learned from them.</summary>
public sealed class GuardSetTests
{
    private const string Settings = "promotion: { guard: guard.csv }\n";

    [Fact]
    public void Rows_OfTheGuardSet_AreNeitherLearnedNorHeldOut()
    {
        string near = Words("rows", 5) + " indeed";
        BuiltDataset built = Build($"{Words("rows", 0)},a\n{near},b\n{Words("guard", 1)},b\n{Words("guard", 1)},b\n");

        Assert.Equal(new GuardSet("guard.csv", TaskKind.Classification, 3), built.Manifest.Guard);
        Assert.Equal(["a", "b", "b"], built.Rows(BlobLayout.GuardFile).Select(r => r.Label!));
        string[] elsewhere =
        [
            .. built
                .Rows(BlobLayout.TrainFile, BlobLayout.ValidationFile, BlobLayout.TestFile)
                .Select(r => r.Messages[^2].Content),
        ];
        Assert.Equal(58, elsewhere.Length);
        Assert.DoesNotContain(Words("rows", 0), elsewhere);
        Assert.DoesNotContain(Words("rows", 5), elsewhere);
        RowCounts rows = built.Manifest.Rows;
        Assert.Equal((64, 61, 3), (rows.Read, rows.Accepted, rows.Duplicates));
        Assert.Equal(58, rows.Train + rows.Validation + rows.Test);
        Assert.Equal(58, built.Manifest.RowsByLabel.Values.Sum());
        Assert.Contains("of the guard set", built.Rejected()[1].Detail + built.Rejected()[2].Detail);
    }

    [Fact]
    public void Rows_OfTheGuardSet_HaveTheirOwnColumnsAndNoNewLabels()
    {
        BuiltDataset built = Build(
            $"question,class\n{Words("guard", 0)},a\n{Words("guard", 1)},b\n{Words("guard", 2)},never seen\n"
                + $"{Words("guard", 3)},a\n{Words("guard", 4)},b\n",
            header: ""
        );

        Assert.Equal(new GuardSet("guard.csv", TaskKind.Classification, 4), built.Manifest.Guard);
        Assert.Equal(["a", "b"], built.Manifest.Labels);
        RejectedRow rejected = Assert.Single(built.Rejected());
        Assert.Equal(("guard.csv#3", RejectionReason.UnknownLabel), (rejected.Id, rejected.Reason));
    }

    [Fact]
    public void Labels_ThatOnlyTheGuardSetHas_AreRejectedWithTheReason()
    {
        BuiltDataset built = Build(
            $"{Words("guard", 0)},a\n{Words("guard", 1)},rare\n",
            Settings + "labels: [a, b, rare]\n"
        );

        Assert.Equal(1, built.Manifest.Guard!.Rows);
        Assert.Equal("no row that is learned from has the label 'rare'", Assert.Single(built.Rejected()).Detail);
    }

    [Fact]
    public void Instructions_InAProjectOfLabels_AreFreeAnswersWithoutItsSystemPrompt()
    {
        BuiltDataset built = Build(
            string.Concat(
                Enumerable
                    .Range(0, 12)
                    .Select(i =>
                        $$"""{"instruction": "Say {{Words("say", i)}}", "output": "Yes, {{Words("yes", i)}}"}""" + "\n"
                    )
            ),
            "promotion: { guard: guard.jsonl }\n",
            header: "",
            name: "guard.jsonl"
        );

        Assert.Equal(new GuardSet("guard.jsonl", TaskKind.Instruction, 12), built.Manifest.Guard);
        Assert.Equal(TaskKind.Classification, built.Manifest.Task);
        Assert.All(
            built.Rows(BlobLayout.GuardFile),
            r => Assert.Equal([MessageRole.User, MessageRole.Assistant], r.Messages.Select(m => m.Role))
        );
        Assert.Contains(
            built.Manifest.Notes,
            n => n.StartsWith("'guard.jsonl' is the guard set, read as alpaca", StringComparison.Ordinal)
        );
    }

    [Theory]
    [InlineData(40)]
    [InlineData(long.MaxValue)]
    public void Parts_OfAnySize_GiveTheSame(long partBytes)
    {
        string guard = string.Concat(Enumerable.Range(0, 20).Select(i => $"{Words("guard", i)},{"ab"[i % 2]}\n"));

        BuiltDataset built = Build(guard, partBytes: partBytes);

        Assert.Equal(Build(guard).Files.Keys, built.Files.Keys);
        Assert.All(
            (string[])[BlobLayout.GuardFile, BlobLayout.TrainFile, BlobLayout.TestFile],
            f => Assert.Equal(Build(guard).Files[f], built.Files[f])
        );
    }

    [Fact]
    public void Id_ChangesWithTheGuardSet_AndNotWithItsMargin()
    {
        string Id(string guard, string yaml = Settings) => Request(guard, yaml).DatasetId();

        Assert.NotEqual(Id("x,a\n"), Id("y,a\n"));
        Assert.Equal(Id("x,a\n"), Id("x,a\n", "promotion: { guard: guard.csv, guardMargin: 0.5 }\n"));
        Assert.Equal(
            (Request("x,a\n", "") with { GuardFile = null }).DatasetId(),
            (Request("x,a\n", Settings) with { GuardFile = null }).DatasetId()
        );
    }

    [Fact]
    public void Build_NoGuardSet_WritesNoFileOfIt()
    {
        BuiltDataset built = BuiltDataset.From(Request("", "") with { GuardFile = null });

        Assert.Null(built.Manifest.Guard);
        Assert.DoesNotContain(BlobLayout.GuardFile, built.Files.Keys);
    }

    [Fact]
    public void Build_NoRowOfItCanBeUsed_NamesTheGuardSet()
    {
        DatasetException? fault = Build($"{Words("guard", 0)},never seen\n").Fault;

        Assert.Equal(
            "No row of the guard set 'guard.csv' can be used (unknown_label 1); see rejected.jsonl. Mend it, or leave "
                + "promotion.guard out.",
            fault?.Message
        );
    }

    [Theory]
    [InlineData(
        "promotion: { guard: rows.csv }\n",
        "rows.csv",
        "'rows.csv' is the dropped file and promotion.guard at once"
    )]
    [InlineData("task: text\npromotion: { guard: guard.csv }\n", "guard.csv", "the task is text")]
    public void Settings_ThatContradict_AreRefused(string yaml, string name, string message) =>
        Assert.Contains(
            message,
            Assert.Throws<DatasetException>(() => Build($"{Words("guard", 0)},a\n", yaml, name: name)).Message
        );

    private static BuiltDataset Build(
        string guard,
        string yaml = Settings,
        string header = "text,label\n",
        string name = "guard.csv",
        long partBytes = long.MaxValue
    ) => BuiltDataset.From(Request(guard, yaml, header, name), partBytes);

    private static DatasetRequest Request(
        string guard,
        string yaml,
        string header = "text,label\n",
        string name = "guard.csv"
    ) =>
        BuiltDataset.RequestFor([Text("rows.csv", "text,label\n" + Rows(60))], yaml) with
        {
            GuardFile = Text(name, header + guard),
        };

    private static RawFile Text(string name, string content) => new(name, Encoding.UTF8.GetBytes(content));

    private static string Rows(int count) =>
        string.Concat(Enumerable.Range(0, count).Select(i => $"{Words("rows", i)},{"ab"[i % 2]}\n"));

    /// <summary>A text that is nearly the same as no other.</summary>
    private static string Words(string kind, int i) =>
        string.Join(' ', Enumerable.Range(0, 9).Select(k => ContentHash.ShortOf($"{kind}{i}", $"{k}")[..5]));
}
