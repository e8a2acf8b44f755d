using Pipeline.Datasets.Ingestion.Rows;
using static Pipeline.Functions.Tests.Datasets.Ingestion.RawFiles;

namespace Pipeline.Functions.Tests.Datasets.Ingestion;

/// <summary>JSON that is one array or one object.</summary>
public sealed class JsonFormatTests
{
    [Fact]
    public void Read_JsonArray_StreamsItsElementsWithTheirPlaces()
    {
        string json =
            "\uFEFF[\n"
            + string.Join(
                ",\n",
                Enumerable
                    .Range(0, 5000)
                    .Select(i => $"{{\"text\": \"row {i} {new string('x', i % 97)}\", \"n\": [{i}, null]}}")
            )
            + "\n]";
        byte[] bytes = Utf8(json);

        List<RawRow> rows = Read("a.json", bytes).Rows;

        Assert.Equal(5000, rows.Count);
        Assert.All(
            rows.Index(),
            r => Assert.StartsWith($"row {r.Index} ", r.Item.Fields["text"], StringComparison.Ordinal)
        );
        Assert.Equal("[4999, null]", rows[^1].Fields["n"]);
        Assert.All(rows, r => Assert.Equal((byte)'{', bytes[r.Place.Offset]));
    }

    [Fact]
    public void Read_JsonArrayThatBreaksOff_KeepsWhatStoodBefore()
    {
        List<RawRow> rows = Read("a.json", Utf8("[{\"text\":\"a\"},{\"text\":\"b\"},{\"text\":")).Rows;

        Assert.Equal(["a", "b"], rows.Take(2).Select(r => r.Fields["text"]));
        Assert.Contains("broken here", Assert.Single(rows.Skip(2)).Fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_OneObject_GivesTheElementsOfItsArray()
    {
        (List<RawRow> rows, IReadOnlyList<string> notes) = Read(
            "a.json",
            Utf8("{\n \"version\": 2,\n \"data\": [{\"text\": \"a\"}, {\"text\": \"b\"}]\n}")
        );

        Assert.Equal(["a", "b"], rows.Select(r => r.Fields["text"]));
        Assert.Equal(["The rows are the elements of 'data' in 'a.json'."], notes);
    }

    [Fact]
    public void Read_ArraysOneBehindTheOther_AreNotCutSilently()
    {
        List<RawRow> rows = Read("a.json", Utf8("[{\"text\": \"a\"}]\n[{\"text\": \"b\"}]")).Rows;

        Assert.Equal("a", rows[0].Fields["text"]);
        Assert.Contains("something follows the array", Assert.Single(rows.Skip(1)).Fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_HolderOfRowsOnOneLine_IsReadAsOverMany() =>
        Assert.Equal(
            ["a", "b"],
            Read("a.json", Utf8("{\"version\": 2, \"data\": [{\"text\": \"a\"}, {\"text\": \"b\"}]}"))
                .Rows.Select(r => r.Fields["text"])
        );
}
