using System.Text;
using Pipeline.Contracts;
using Pipeline.Datasets.Building;
using Pipeline.Datasets.Ingestion.Rows;
using Pipeline.Datasets.Lineage;

namespace Pipeline.Functions.Tests.Datasets;

public sealed class LineageTests
{
    private static readonly string Csv =
        "text,label\n"
        + string.Concat(
            Enumerable
                .Range(1, 60)
                .Select(i =>
                    $"the crew of flight {i * 37} was {(i % 2 == 0 ? "kind" : "rude")} to {i},"
                    + $"{(i % 2 == 0 ? "a" : "b")}\n"
                )
        )
        + "the crew of flight 185 was rude to 5,b\n";

    private static DatasetRequest Request(params string[] without) =>
        new()
        {
            Project = "p",
            Settings = new ProjectSettings(),
            Files = [new RawFile("a.csv", Encoding.UTF8.GetBytes(Csv))],
            TokenizerSha256 = "t",
            Without = without,
            Encoder = DemoDataset.Encoder,
        };

    private static List<RowFate> Fates(BuiltDataset build, string id) =>
        [
            .. RowSearch
                .Files.Where(build.Files.ContainsKey)
                .SelectMany(f => RowSearch.In(f, build.Text(f).Split('\n', StringSplitOptions.RemoveEmptyEntries), id)),
        ];

    [Fact]
    public void In_RowAndItsDuplicate_AreBothFound()
    {
        BuiltDataset build = BuiltDataset.From(Request());

        List<RowFate> five = Fates(build, "a.csv#5");

        Assert.Equal(["a.csv#5", "a.csv#61"], five.Select(f => f.Id));
        Assert.Equal("another row was left out for it: duplicate", five[1].What);
        Assert.StartsWith(
            "left out: duplicate, the same text and answer as a.csv#5",
            Assert.Single(Fates(build, "a.csv#61")).What,
            StringComparison.Ordinal
        );
        Assert.Empty(Fates(build, "a.csv#99"));
        Assert.Equal(
            60,
            Enumerable.Range(1, 60).Count(i => Fates(build, $"a.csv#{i}").Any(f => f.File != BlobLayout.RejectedFile))
        );
    }

    /// <summary>
    /// A withdrawn row keeps its number, so that all others keep theirs; of its content nothing is left anywhere.
    /// </summary>
    [Fact]
    public void Build_WithoutAWithdrawnRow_HoldsNothingOfIt()
    {
        BuiltDataset with = BuiltDataset.From(Request());
        BuiltDataset without = BuiltDataset.From(Request("a.csv#5", "a.csv#7", "a.csv#61"));

        Assert.NotEqual(with.Manifest.DatasetId, without.Manifest.DatasetId);
        Assert.DoesNotContain(
            without.Files.Values,
            f =>
                Encoding.UTF8.GetString(f).Contains("flight 185 ", StringComparison.Ordinal)
                || Encoding.UTF8.GetString(f).Contains("flight 259 ", StringComparison.Ordinal)
        );
        Assert.Equal(3, without.Manifest.Reasons[RejectionReason.Withdrawn.Name()]);
        Assert.Equal(
            (61, 58, 3, 0),
            (
                without.Manifest.Rows.Read,
                without.Manifest.Rows.Accepted,
                without.Manifest.Rows.Rejected,
                without.Manifest.Rows.Duplicates
            )
        );
        string[] splits = [BlobLayout.TrainFile, BlobLayout.ValidationFile, BlobLayout.TestFile];
        Assert.Subset(
            with.Rows(splits).Select(r => r.Id).ToHashSet(),
            without.Rows(splits).Select(r => r.Id).ToHashSet()
        );
        Assert.Equal(
            without.Manifest.Files,
            BuiltDataset.From(Request("a.csv#5", "a.csv#7", "a.csv#61"), partBytes: 300).Manifest.Files
        );
    }

    [Fact]
    public void Trace_TrainedAndRejectedRow_NameTheirPlaceAndSource()
    {
        string folder = Directory.CreateTempSubdirectory("pipeline-trace-").FullName;
        DatasetManifest manifest = DatasetBuilder.Build(Request(), folder).Manifest;

        string learned = RowTrace.Trace(folder, "a.csv#5")!;
        string left = RowTrace.Trace(folder, "a.csv#61")!;

        Assert.Contains($"of dataset {manifest.DatasetId}, labelled 'b'", learned, StringComparison.Ordinal);
        Assert.Contains(
            $"Row 5 of 'a.csv', line 6, byte {Csv.IndexOf("the crew of flight 185", StringComparison.Ordinal)}, "
                + $"of what was dropped as 'a.csv', SHA-256 {manifest.Sources[0].Sha256}",
            learned,
            StringComparison.Ordinal
        );
        Assert.Contains("[INST]", learned, StringComparison.Ordinal);
        Assert.Contains("left out of dataset", left, StringComparison.Ordinal);
        Assert.Contains("text: the crew of flight 185", left, StringComparison.Ordinal);
        Assert.Null(RowTrace.Trace(folder, "a.csv#99"));
        Directory.Delete(folder, recursive: true);
    }
}
