using MiniExcelLibs;
using Parquet.Serialization;
using Pipeline.Datasets.Ingestion;
using Pipeline.Datasets.Ingestion.Rows;
using static Pipeline.Functions.Tests.Datasets.Ingestion.RawFiles;

namespace Pipeline.Functions.Tests.Datasets.Ingestion;

/// <summary>Tables, with and without a line of names.</summary>
public sealed class TableFormatTests
{
    [Fact]
    public async Task Read_Parquet_GivesItsRows()
    {
        using var file = new MemoryStream();
        await ParquetSerializer.SerializeAsync(
            [
                new LabelledText { text = "Grüße, \"Welt\"\nzweite Zeile", label = "a" },
                new LabelledText { text = "zwei", label = "b" },
            ],
            file,
            cancellationToken: TestContext.Current.CancellationToken
        );

        AssertRows(Read("a.parquet", file.ToArray()).Rows);
    }

    [Fact]
    public void Read_Spreadsheet_GivesTheRowsOfItsFirstSheet()
    {
        using var file = new MemoryStream();
        file.SaveAs(
            new[]
            {
                new LabelledText { text = "Grüße, \"Welt\"\nzweite Zeile", label = "a" },
                new LabelledText { text = "zwei", label = "b" },
            }
        );

        AssertRows(Read("a.xlsx", file.ToArray()).Rows);
    }

    [Fact]
    public void Read_SpreadsheetWithoutNames_KeepsItsFirstRow()
    {
        using var file = new MemoryStream();
        file.SaveAs(
            Enumerable
                .Range(0, 6)
                .Select(i => new LabelledText
                {
                    text = $"this is the text of row {i}.",
                    label = i % 2 == 0 ? "a" : "b",
                }),
            printHeader: false
        );

        Assert.Equal(6, Read("a.xlsx", file.ToArray()).Rows.Count);
    }

    [Fact]
    public void Read_TableWithoutNames_NumbersItsColumns()
    {
        (List<RawRow> rows, IReadOnlyList<string> notes) = Read(
            "a.tsv",
            Utf8("17\tgood\tI like it.\n18\tbad\tI do not.\n19\tgood\tFine!\n")
        );

        Assert.Equal(["good", "bad", "good"], rows.Select(r => r.Fields["column 2"]));
        Assert.Contains("no line of column names", Assert.Single(notes), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a.csv", ",")]
    [InlineData("a.tsv", "\t")]
    public void Read_RowsThatBeginWithAHash_AreRows(string name, string separator) =>
        Assert.Equal(
            ["#late again", "fine"],
            Read(name, Utf8($"text{separator}label\n#late again{separator}a\nfine{separator}b\n"))
                .Rows.Select(r => r.Fields["text"])
        );

    [Theory]
    [InlineData("text,label,2019\na,x,1\nb,y,2\n", "text")]
    [InlineData(
        "text,label,How satisfied were you with the service that you were given on that day?\na,x,1\nb,y,2\n",
        "text"
    )]
    // a value comes again: no line of names
    [InlineData("post,kind\nwas nice,kind\nwas not,unkind\nwas so,kind\n", "column 1")]
    // a known name that is a label here
    [InlineData("what is it,question\nit is this,answer\nand that,question\nis it,answer\n", "column 1")]
    public void Read_FirstLine_IsTakenForWhatItIs(string csv, string column) =>
        Assert.Contains(column, Read("a.csv", Utf8(csv)).Rows[0].Fields.Keys);

    [Fact]
    public void Read_ColumnsThatAreNamedForIt_SettleTheHeader()
    {
        using var reader = new RawReader(columns: ["post", "kind"]);

        Assert.Equal(
            3,
            reader.Read(new RawFile("a.csv", Utf8("post,kind\nwas nice,kind\nwas not,unkind\nwas so,kind\n"))).Count()
        );
    }
}
