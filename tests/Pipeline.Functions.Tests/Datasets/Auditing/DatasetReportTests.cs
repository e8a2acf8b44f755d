using Pipeline.Contracts;
using Pipeline.Datasets.Auditing;
using Pipeline.Reporting.Pages;
using static Pipeline.Functions.Tests.Datasets.DemoDataset;

namespace Pipeline.Functions.Tests.Datasets.Auditing;

/// <summary>
/// What a person sees of a dataset beside the checks: languages, lengths, texts that contradict each other.
/// </summary>
public sealed class DatasetReportTests
{
    private static readonly string[] English =
    [
        "my parcel did not arrive yesterday, where is it now",
        "the card was refused at the shop and nobody could help me",
        "please tell me how to change the address of my account",
        "I would like to get my money back for this order",
    ];
    private static readonly string[] German =
    [
        "mein Paket ist gestern nicht angekommen, wo ist es jetzt",
        "die Karte wurde im Laden abgelehnt und niemand konnte mir helfen",
        "bitte sagen Sie mir, wie ich die Adresse meines Kontos ändere",
        "ich möchte mein Geld für diese Bestellung zurückbekommen",
    ];
    private static readonly string[] Japanese = ["荷物が届きません", "カードが使えません"];

    [Fact]
    public void Languages_SentencesOfThree_AreRecognised()
    {
        LanguageCounts counts = LanguageSample.Detect([
            .. English,
            .. German,
            .. Japanese,
            "ok",
            "12345 67",
            "@you plus",
        ]);

        Assert.Equal(13, counts.Sampled);
        Assert.Equal(
            [("English", 4), ("German", 4), ("Japanese", 2), (LanguageCounts.NotDetected, 3)],
            counts.Texts.Select(t => (t.Key, t.Value))
        );
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1000, 1)]
    [InlineData(1001, 2)]
    [InlineData(2500, 3)]
    public void Languages_Step_SamplesNoMoreThanTheMaximum(int rows, int step)
    {
        Assert.Equal(step, LanguageSample.Step(rows));
        Assert.InRange((rows + step - 1) / step, 1, LanguageSample.MaxTexts);
    }

    [Fact]
    public void Build_TwoLanguages_WarnsAndDrawsThem()
    {
        string csv =
            "text,label\n"
            + string.Concat(
                Enumerable
                    .Range(0, 48)
                    .Select(i =>
                        $"\"{(i % 2 == 0 ? English : German)[i / 2 % 4]}, "
                        + $"{i * 7919 % 1000} {(char)('a' + (i % 26))}{i}\",{(i % 3 == 0 ? "x" : "y")}\n"
                    )
            );

        BuiltDataset build = Build(csv);

        AuditCheck check = build.Audit.Checks.Single(c => c.Name == "language of the texts");
        Assert.Equal(AuditLevel.Warning, check.Level);
        Assert.Contains("German", check.Detail, StringComparison.Ordinal);
        Assert.Equal(build.Manifest.Rows.Accepted, build.Audit.Languages.Sampled);
        Assert.Equal(build.Manifest.Rows.Accepted, build.Audit.Lengths.Sum(b => b.Rows));
        string page = AuditPage.Write(build.Manifest, build.Audit);
        Assert.Contains("<h2>Rows by length, in tokens</h2>", page, StringComparison.Ordinal);
        Assert.Contains("<th>German</th>", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Build_NearlyTheSameTextsWithOtherLabels_AreListedRowByRow()
    {
        string filler = string.Concat(
            Enumerable
                .Range(0, 40)
                .Select(i => $"word{i * 31} of row {i * 17} tells thing{i * 13} alone,{(i % 2 == 0 ? "x" : "y")}\n")
        );
        string csv =
            "text,label\n"
            + filler
            + "the train to the north was <b>late</b> again this very morning in town,x\n" // 41
            + "The train to the north was <b>late</b> again this very morning in town!,y\n" // 42
            + "the train to the north was <b>late</b> again this very morning in town?,x\n"; // 43

        BuiltDataset build = Build(csv);

        Assert.Equal(1, build.Manifest.NearDuplicates.Conflicting);
        LabelConflict whole = ContractJson.Read<LabelConflict>(build.Text(BlobLayout.ConflictsFile));
        Assert.Equal(
            [("a.csv#41", "x"), ("a.csv#42", "y"), ("a.csv#43", "x")],
            whole.Texts.Select(t => (t.Id, t.Label))
        );
        Assert.Equal(
            ["a.csv#41", "a.csv#42", "a.csv#43"],
            build.Audit.Conflicts.Single().Texts.Select(t => t.Id).Order(StringComparer.Ordinal)
        );
        AuditCheck check = build.Audit.Checks.Single(c => c.Name == "labels of nearly the same texts");
        Assert.Equal(
            (AuditLevel.Warning, 1L, "for example a.csv#41 as 'x' and a.csv#42 as 'y'"),
            (check.Level, check.Value, check.Detail)
        );
        Assert.Contains(
            "the train to the north was &lt;b&gt;late&lt;/b&gt; again",
            AuditPage.Write(build.Manifest, build.Audit),
            StringComparison.Ordinal
        );
        Assert.Equal(
            build.Manifest.Files[BlobLayout.ConflictsFile],
            ContentHash.Sha256(build.Files[BlobLayout.ConflictsFile])
        );
    }

    [Fact]
    public void Build_NoConflict_ListsNone()
    {
        BuiltDataset build = Build(
            "text,label\n"
                + string.Concat(
                    Enumerable
                        .Range(0, 40)
                        .Select(i =>
                            $"word{i * 31} of row {i * 17} tells thing{i * 13} alone,{(i % 2 == 0 ? "x" : "y")}\n"
                        )
                )
        );

        Assert.Empty(build.Text(BlobLayout.ConflictsFile));
        Assert.DoesNotContain(
            "different labels</h2>",
            AuditPage.Write(build.Manifest, build.Audit),
            StringComparison.Ordinal
        );
    }
}
