using System.Text;
using Pipeline.Datasets.Ingestion.Rows;
using static Pipeline.Functions.Tests.Datasets.Ingestion.RawFiles;

namespace Pipeline.Functions.Tests.Datasets.Ingestion;

/// <summary>Whatever the bytes, the same text; and each row's place among them.</summary>
public sealed class EncodingTests
{
    [Theory]
    [InlineData("utf-8", true, null)]
    [InlineData("utf-8", false, null)]
    [InlineData("utf-16", true, "UTF-16")]
    [InlineData("utf-16", false, "UTF-16")]
    [InlineData("utf-16BE", true, "UTF-16 (big-endian)")]
    [InlineData("utf-32", true, "UTF-32")]
    [InlineData("iso-8859-1", false, "ISO-8859-1 or Windows-1252")]
    public void Read_EachEncoding_IsToldAndSaid(string encoding, bool mark, string? note)
    {
        Encoding fileEncoding = Encoding.GetEncoding(encoding);

        (List<RawRow> rows, IReadOnlyList<string> notes) = Read(
            "a.csv",
            [.. mark ? fileEncoding.GetPreamble() : [], .. fileEncoding.GetBytes(Csv)]
        );

        AssertRows(rows);
        Assert.Equal(note is null ? [] : [$"'a.csv' was read as {note}."], notes);
    }

    [Fact]
    public void Read_Utf8WithBytesOfAnotherSource_IsRepairedAndSaid()
    {
        byte[] mixed =
        [
            .. Utf8("text,label\nGrüße,a\ncaf"),
            0xE9,
            .. Utf8(" \u2019,b\nnaïve "),
            0x93,
            .. Utf8("quoted"),
            0x94,
            .. Utf8(",a\n"),
        ];

        (List<RawRow> rows, IReadOnlyList<string> notes) = Read("a.csv", mixed);

        Assert.Equal(["Grüße", "café ’", "naïve “quoted”"], rows.Select(r => r.Fields["text"]));
        Assert.Equal(["'a.csv' is UTF-8 with 3 bytes that are not; they were read as Windows-1252."], notes);
    }

    [Fact]
    public void Read_Cyrillic_IsToldByStatistics()
    {
        Encoding windows = CodePagesEncodingProvider.Instance.GetEncoding(1251)!;
        string text =
            "text,label\n" + string.Concat(Enumerable.Repeat("Все счастливые семьи похожи друг на друга,да\n", 20));

        Assert.Equal(
            "Все счастливые семьи похожи друг на друга",
            Read("a.csv", windows.GetBytes(text)).Rows[0].Fields["text"]
        );
    }

    [Theory]
    [InlineData("utf-8")]
    [InlineData("utf-16")]
    public void Read_Rows_SayAtWhichByteTheyStand(string encoding)
    {
        Encoding fileEncoding = Encoding.GetEncoding(encoding);
        byte[] bytes = [.. fileEncoding.GetPreamble(), .. fileEncoding.GetBytes(Csv)];

        List<RawRow> rows = Read("a.csv", bytes).Rows;

        Assert.Equal((2, 4), (rows[0].Place.Line, rows[1].Place.Line));
        Assert.StartsWith(
            "zwei,b",
            fileEncoding.GetString(bytes[(int)rows[1].Place.Offset..]),
            StringComparison.Ordinal
        );
        Assert.StartsWith(
            "\"Grüße",
            fileEncoding.GetString(bytes[(int)rows[0].Place.Offset..]),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Read_JsonArrayWithForeignBytesFarDown_IsRepaired()
    {
        byte[] head = Utf8(
            "["
                + string.Concat(Enumerable.Range(0, 9000).Select(i => $"{{\"text\": \"row number {i} of many\"}},\n"))
                + "{\"text\": \"caf"
        );

        List<RawRow> rows = Read("a.json", [.. head, 0xE9, .. Utf8("\"}]")]).Rows;

        Assert.True(head.Length > 1 << 18);
        Assert.Equal("café", rows[^1].Fields["text"]);
    }

    [Theory]
    [InlineData("utf-16")]
    [InlineData("iso-8859-1")]
    public void Read_JsonArrayInAnotherEncoding_IsRead(string encoding)
    {
        Encoding fileEncoding = Encoding.GetEncoding(encoding);

        List<RawRow> rows = Read(
            "a.json",
            [.. fileEncoding.GetPreamble(), .. fileEncoding.GetBytes("[{\"text\": \"Grüße\"}, {\"text\": \"naïf\"}]")]
        ).Rows;

        Assert.Equal([("Grüße", -1L), ("naïf", -1L)], rows.Select(r => (r.Fields["text"], r.Place.Offset)));
    }

    [Fact]
    public void Read_MoreForeignBytesThanCharacters_StillKeepsTheCharacters() =>
        Assert.Equal(
            ["é1", "é2", "é3", "é4"],
            Read(
                "a.csv",
                [.. Utf8("text,label\né1,a\n"), 0xE9, .. Utf8("2,b\n"), 0xE9, .. Utf8("3,a\n"), 0xE9, .. Utf8("4,b\n")]
            )
                .Rows.Select(r => r.Fields["text"])
        );

    [Fact]
    public void Read_LonelyReturn_EndsALine()
    {
        byte[] bytes = Utf8("{\"text\": \"a\"}\n{\"text\": \"b\"}\r{\"text\": \"c\"}\r\n{\"text\": \"d\"}\n");

        Assert.All(
            Read("a.jsonl", bytes).Rows,
            r =>
                Assert.StartsWith(
                    $"{{\"text\": \"{r.Fields["text"]}\"}}",
                    Encoding.UTF8.GetString(bytes[(int)r.Place.Offset..]),
                    StringComparison.Ordinal
                )
        );
    }
}
