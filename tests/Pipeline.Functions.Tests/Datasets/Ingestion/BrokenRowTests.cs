using System.Text;
using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Functions.Tests.Datasets.Ingestion;

/// <summary>A row of a table that cannot be read costs itself, wherever it stands, and none of its neighbours.</summary>
public sealed class BrokenRowTests
{
    private static readonly LimitSettings Narrow = new() { Columns = 5 };

    [Theory]
    [InlineData(",,,,,,,,,,,,")]
    [InlineData("\"a\",\"b,c\",d,e,f,g")]
    [InlineData("1,2,3,4,5,6\n7,8,9,10,11,12")]
    public void Row_WithTooManyCells_CostsItselfAlone(string wide)
    {
        int broken = wide.Split('\n').Length;
        List<RawRow> rows = Read("text,label\n" + Lines("a") + wide + "\n" + Lines("b") + wide + "\n");

        Assert.Equal(40, rows.Count(r => r.Fault is null));
        Assert.Equal(2 * broken, rows.Count(r => r.Fault is not null));
        Assert.All(
            rows.Where(r => r.Fault is not null),
            r => Assert.Contains("limits.columns in project.yaml raises that", r.Fault, StringComparison.Ordinal)
        );
        Assert.Equal(Enumerable.Range(1, rows.Count), rows.Select(r => r.Place.Row));
    }

    [Fact]
    public void Row_WithAQuotationMarkThatIsNeverClosed_CostsItselfAlone()
    {
        List<RawRow> rows = Read("text;label\n" + Lines("a", ';') + "\"open, and | more;x\n" + Lines("b", ';'));

        RawRow fault = Assert.Single(rows, r => r.Fault is not null);
        Assert.Equal((21, 22), (fault.Place.Row, fault.Place.Line));
        Assert.Equal(40, rows.Count(r => r.Fault is null && r.Fields["label"] is "x" or "y"));
    }

    /// <summary>MimeKit's reader never ended here.</summary>
    [Fact]
    public void Mbox_ThatBreaksOffWithinAMark_GivesTheMailsBeforeIt()
    {
        const string Mark = "From a@example.com Mon Jan  1 00:00:00 2024\r";
        const string Mail = "\nFrom: a@example.com\r\nTo: b@example.com\r\nSubject: hello\r\n\r\ntext\r\n\r\n";

        List<RawRow> rows = Read(Mark + Mail + Mark + Mail + Mark, "a.mbox");

        Assert.Equal(
            ["hello\n\ntext", "hello\n\ntext"],
            rows.Take(2).Select(r => r.Fields["text"].ReplaceLineEndings("\n").Trim())
        );
    }

    private static string Lines(string word, char separator = ',') =>
        string.Concat(Enumerable.Range(0, 20).Select(i => $"text {word} {i}{separator}{"xy"[i % 2]}\n"));

    private static List<RawRow> Read(string text, string name = "a.csv")
    {
        using var reader = new RawReader(limits: Narrow);
        return [.. reader.Read(new RawFile(name, Encoding.UTF8.GetBytes(text)))];
    }
}
