using System.Text;
using Pipeline.Datasets;
using Pipeline.Datasets.Ingestion;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Functions.Tests.Datasets.Ingestion;

public sealed class RawReaderTests
{
    private static List<RawRow> Read(RawFile file)
    {
        using var reader = new RawReader();
        return [.. reader.Read(file)];
    }

    private static RawFile File(string name, string text) => new(name, Encoding.UTF8.GetBytes(text));

    [Fact]
    public void Read_CsvWithBomQuotesAndEmbeddedNewlines_KeepsFieldsAndLines()
    {
        List<RawRow> rows = Read(File("a.csv", "\uFEFFtext,label\n\"one\ntwo, \"\"three\"\"\",x\nfour,y\n"));

        Assert.Equal("one\ntwo, \"three\"", rows[0].Fields["text"]);
        Assert.Equal((2, 4), (rows[0].Place.Line, rows[1].Place.Line));
        Assert.Equal("y", rows[1].Fields["label"]);
    }

    [Fact]
    public void Read_TsvWithQuotes_TakesThemAsText()
    {
        List<RawRow> rows = Read(File("a.tsv", "label\ttext\nx\t\"open quote\ny\tnext\n"));

        Assert.Equal(2, rows.Count);
        Assert.Equal("\"open quote", rows[0].Fields["text"]);
    }

    [Fact]
    public void Read_RowWithOtherColumnCount_IsKeptWithFault()
    {
        List<RawRow> rows = Read(File("a.csv", "text,label\na,x,extra\nb\nc,y\n"));

        Assert.Equal(3, rows.Count);
        Assert.Contains("3 columns", rows[0].Fault, StringComparison.Ordinal);
        Assert.Contains("1 columns", rows[1].Fault, StringComparison.Ordinal);
        Assert.Null(rows[2].Fault);
    }

    [Fact]
    public void Read_JsonLines_BrokenLineIsKeptWithFault()
    {
        List<RawRow> rows = Read(File("a.jsonl", "{\"text\":\"a\",\"n\":3}\n{oops\n\n[1]\n"));

        Assert.Equal(3, rows.Count);
        Assert.Equal("3", rows[0].Fields["n"]);
        Assert.NotNull(rows[1].Fault);
        Assert.NotNull(rows[2].Fault);
        Assert.Equal(4, rows[2].Place.Line);
    }

    [Fact]
    public void Read_Utf16WithBom_IsText()
    {
        byte[] bytes = [.. Encoding.Unicode.GetPreamble(), .. Encoding.Unicode.GetBytes("text,label\ncafé,x\n")];

        List<RawRow> rows = Read(new RawFile("a.csv", bytes));

        Assert.Equal("café", rows[0].Fields["text"]);
    }

    [Theory]
    [InlineData("", DatasetFaultCode.EmptyFile)]
    [InlineData(" \n\n", DatasetFaultCode.EmptyFile)]
    [InlineData("text,label\n", DatasetFaultCode.EmptyFile)]
    [InlineData("PK\u0003\u0004rest", DatasetFaultCode.UnreadableFile)]
    [InlineData("a\0b", DatasetFaultCode.BinaryFile)]
    [InlineData("text,text\na,b\n", DatasetFaultCode.NoColumn)]
    public void Read_FileThatIsNoTable_SaysWhy(string text, DatasetFaultCode code)
    {
        DatasetException fault = Assert.Throws<DatasetException>(() => Read(File("a.csv", text)));

        Assert.Equal(code, fault.Code);
        Assert.Contains("a.csv", fault.Message, StringComparison.Ordinal);
    }
}
