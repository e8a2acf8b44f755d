using System.Text;
using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Functions.Tests.Datasets;

/// <summary>Data that has a split of its own: its held-out rows are held out, and never learned from.</summary>
public sealed class OwnSplitTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("own-split-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static BuiltDataset Build(RawFile file, string yaml = "", long partBytes = long.MaxValue) =>
        BuiltDataset.FromFiles([file], yaml, partBytes);

    private static RawFile Text(string name, string content) => new(name, Encoding.UTF8.GetBytes(content));

    private void Write(string name, string content)
    {
        string path = Path.Combine(_folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, content);
    }

    private static string Json(string side, int count, int from = 0) =>
        string.Concat(
            Enumerable
                .Range(from, count)
                .Select(i => $$"""{"text": "{{Words(side, i)}}", "label": "{{"ab"[i % 2]}}"}""" + "\n")
        );

    /// <summary>A text that is nearly the same as no other.</summary>
    private static string Words(string side, int i) =>
        string.Join(' ', Enumerable.Range(0, 6).Select(k => ContentHash.ShortOf($"{side}{i}", $"{k}")[..5]));

    private static string Sides(BuiltDataset build) =>
        $"{build.Manifest.Rows.Train} {build.Manifest.Rows.Validation} {build.Manifest.Rows.Test}";

    private static bool AllFrom(BuiltDataset build, string file, string place) =>
        build.Rows(file).All(r => r.Source.File.Contains(place, StringComparison.Ordinal));

    [Fact]
    public void Files_OfTheCase_KeepTheirSides()
    {
        BuiltDataset build = Build(
            RawFile.FromFolder(RepositoryFiles.At("tests", "Golden", "cases", "10-own-splits-mixed", "input"))
        );

        Assert.Equal("40 10 10", Sides(build));
        Assert.True(AllFrom(build, BlobLayout.TestFile, "test.jsonl"));
        Assert.True(AllFrom(build, BlobLayout.ValidationFile, "validation.jsonl"));
        Assert.Contains(build.Manifest.Notes, n => n.EndsWith("it is kept.", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("train.jsonl", "dev.jsonl", "test.jsonl")]
    [InlineData("train/rows.jsonl", "valid/rows.jsonl", "testing/rows.jsonl")]
    [InlineData("data/reviews_train-00000-of-00001.jsonl", "data/reviews_val.jsonl", "data/reviews-test.jsonl")]
    [InlineData("all.jsonl", "all-dev.jsonl", "heldout.jsonl")]
    public void Files_UnderUsualNames_KeepTheirSides(string train, string validation, string test)
    {
        Write(train, Json("train", 30));
        Write(validation, Json("validation", 8));
        Write(test, Json("test", 10));

        BuiltDataset build = Build(RawFile.FromFolder(_folder));

        Assert.Equal("30 8 10", Sides(build));
        Assert.True(AllFrom(build, BlobLayout.TestFile, test));
    }

    [Theory]
    [InlineData("split", "train", "validation", "test")]
    [InlineData("Split", "Train", "DEV", "Test")]
    [InlineData("subset", "training", "val", "heldout")]
    public void Column_OfSplits_IsObeyedWhateverTheParts(string column, string train, string validation, string test)
    {
        string csv =
            $"text,label,{column}\n"
            + string.Concat(
                Enumerable
                    .Range(0, 60)
                    .Select(i => $"{Words("c", i)},{"ab"[i % 2]},{(i < 40 ? train : i < 50 ? validation : test)}\n")
            );

        BuiltDataset whole = Build(Text("a.csv", csv));
        BuiltDataset parts = Build(Text("a.csv", csv), partBytes: 300);

        Assert.Equal("40 10 10", Sides(whole));
        Assert.All(whole.Rows(BlobLayout.TestFile), r => Assert.InRange(r.Source.Row, 51, 60));
        Assert.Equal(whole.Files[BlobLayout.TrainFile], parts.Files[BlobLayout.TrainFile]);
        Assert.Equal(whole.Files[BlobLayout.TestFile], parts.Files[BlobLayout.TestFile]);
    }

    [Fact]
    public void Lists_InOneObject_KeepTheirSides()
    {
        string List(string side, int count) =>
            $"[{Json(side, count).Trim().Replace("\n", ",", StringComparison.Ordinal)}]";

        BuiltDataset build = Build(
            Text(
                "a.json",
                $$"""{"train": {{List("train", 30)}}, "dev": {{List("dev", 6)}}, "test": {{List("test", 9)}}}"""
            )
        );

        Assert.Equal("30 6 9", Sides(build));
    }

    [Fact]
    public void Column_WithAnotherWord_RejectsThoseRows()
    {
        string csv =
            "text,label,split\n"
            + string.Concat(
                Enumerable
                    .Range(0, 40)
                    .Select(i => $"{Words("c", i)},{"ab"[i % 2]},{(i < 30 ? "train" : i < 36 ? "test" : "spare")}\n")
            );

        BuiltDataset build = Build(Text("a.csv", csv));

        Assert.Equal(4, build.Manifest.Reasons[RejectionReason.Malformed.Name()]);
        Assert.Equal(6, build.Manifest.Rows.Test);
    }

    /// <summary>
    /// The same text, and one nearly the same, in a held-out file: they stay there and are not learned.
    /// </summary>
    [Fact]
    public void Rows_ThatAreHeldOutToo_AreNotLearned()
    {
        string near = Words("test", 0) + " once more with feeling today";
        Write(
            "train.jsonl",
            Json("test", 3) + Json("train", 30) + $$"""{"text": "{{near}} indeed", "label": "a"}""" + "\n"
        );
        Write("validation.jsonl", Json("test", 2, from: 2) + Json("validation", 8));
        Write("test.jsonl", Json("test", 10) + $$"""{"text": "{{near}}", "label": "a"}""" + "\n");

        BuiltDataset build = Build(RawFile.FromFolder(_folder));

        HashSet<string> held = [.. build.Rows(BlobLayout.TestFile).Select(r => r.Text)];
        Assert.Equal(11, held.Count);
        Assert.DoesNotContain(build.Rows(BlobLayout.TrainFile, BlobLayout.ValidationFile), r => held.Contains(r.Text));
        Assert.DoesNotContain(build.Rows(BlobLayout.TrainFile), r => r.Text.Contains(near, StringComparison.Ordinal));
    }

    [Fact]
    public void Split_WithoutTestRows_HoldsOutSomeAndSaysSo()
    {
        Write("train.jsonl", Json("train", 40));
        Write("dev.jsonl", Json("dev", 10));

        BuiltDataset build = Build(RawFile.FromFolder(_folder));

        Assert.Equal("34 10 6", Sides(build));
        Assert.Contains(build.Manifest.Notes, n => n.Contains("no test rows", StringComparison.Ordinal));
    }

    [Fact]
    public void Split_MixedByName_IsDividedAnewAndSaysSo()
    {
        Write("train.jsonl", Json("train", 40));
        Write("test.jsonl", Json("test", 20));

        BuiltDataset build = Build(RawFile.FromFolder(_folder), "split: { mix: true }");

        Assert.Equal("44 6 10", Sides(build));
        Assert.Contains(build.Manifest.Notes, n => n.EndsWith("as split.mix says.", StringComparison.Ordinal));
    }

    /// <summary>A name alone tells nothing: the only file, or the only side, is what was dropped.</summary>
    [Theory]
    [InlineData("test.jsonl", "README.md")]
    [InlineData("val_text.jsonl", "mapping.md")]
    public void Files_OfOneSideOnly_AreDividedAsAnyOther(string name, string other)
    {
        Write(name, Json("any", 40));
        Write(other, "What this is.\n");

        BuiltDataset build = Build(RawFile.FromFolder(_folder));

        Assert.Equal(6, build.Manifest.Rows.Test);
        Assert.DoesNotContain(build.Manifest.Notes, n => n.Contains("split of its own", StringComparison.Ordinal));
    }
}
