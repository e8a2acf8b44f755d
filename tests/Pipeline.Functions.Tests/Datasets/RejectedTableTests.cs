using System.Text;
using Pipeline.Contracts;
using Pipeline.Datasets.Building;
using Pipeline.Datasets.Exports;
using Pipeline.Datasets.Ingestion.Rows;
using Pipeline.Reporting.Pages;

namespace Pipeline.Functions.Tests.Datasets;

/// <summary>Rejected rows can be read by a clerk, corrected in a spreadsheet, and read again.</summary>
public sealed class RejectedTableTests
{
    private static readonly string Csv =
        "id,text,label\n"
        + string.Concat(
            Enumerable.Range(1, 40).Select(i => $"{i},\"flight {i * 37}, row {i}\",{(i % 2 == 0 ? "a" : "b")}\n")
        )
        + "41,,a\n42,\"<b>odd</b>, \"\"quoted\"\"\",zebra\n43,flight 37 and row 1,\n1,\"flight 37, row 1\",b\n";

    private static DatasetRequest Request(params (string Name, string Text)[] files) =>
        new()
        {
            Project = "p",
            Settings = new ProjectSettings(),
            Files = [.. files.Select(f => new RawFile(f.Name, Encoding.UTF8.GetBytes(f.Text)))],
            TokenizerSha256 = "t",
            Encoder = DemoDataset.Encoder,
        };

    [Fact]
    public void Write_RejectedRows_KeepTheirColumnsAndCorrectedOnesAreAccepted()
    {
        BuiltDataset first = BuiltDataset.From(Request(("a.csv", Csv)));
        using var table = new StringWriter();

        RejectedTable.Write(first.Rejected(), table);

        string[] lines = table.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("id,text,label,why rejected", lines[0]);
        Assert.StartsWith("41,,a,", lines[1], StringComparison.Ordinal);
        Assert.StartsWith("42,\"<b>odd</b>, \"\"quoted\"\"\",zebra,", lines[2], StringComparison.Ordinal);
        Assert.Equal(4, lines.Length); // the duplicate needs no mending

        string corrected = table
            .ToString()
            .Replace("zebra", "a", StringComparison.Ordinal)
            .Replace("41,,a", "41,now with a text,a", StringComparison.Ordinal)
            .Replace("row 1,,", "row 1,b,", StringComparison.Ordinal);
        BuiltDataset second = BuiltDataset.From(Request(("a.csv", Csv), ("mended/a.csv/fix.csv", corrected)));

        Assert.Equal(first.Manifest.Rows.Accepted + 3, second.Manifest.Rows.Accepted);
        Assert.Equal(
            ["mended/a.csv/fix.csv#1", "mended/a.csv/fix.csv#2", "mended/a.csv/fix.csv#3"],
            second
                .Rows(BlobLayout.TrainFile, BlobLayout.ValidationFile, BlobLayout.TestFile)
                .Select(r => r.Id)
                .Where(i => i.StartsWith("mended", StringComparison.Ordinal))
                .Order(StringComparer.Ordinal)
        );
    }

    /// <summary>What a spreadsheet would run is a text in it, and comes back as it was.</summary>
    [Theory]
    [InlineData("=HYPERLINK(1)")]
    [InlineData("+1 to this flight")]
    [InlineData("-5 degrees on board")]
    [InlineData("@all are late")]
    [InlineData("'=quoted already")]
    [InlineData("'tis the last flight")]
    public void Write_CellThatASpreadsheetWouldRun_IsEscapedAndReadBack(string text)
    {
        string csv = Csv + $"99,{text} 99,zebra\n";
        using var table = new StringWriter();
        RejectedTable.Write(BuiltDataset.From(Request(("a.csv", csv))).Rejected(), table);

        Assert.DoesNotMatch("(?m)(^|,)[=+@-]", table.ToString());
        string corrected = table.ToString().Replace("zebra", "a", StringComparison.Ordinal);
        BuiltDataset second = BuiltDataset.From(Request(("a.csv", Csv), ("mended/a.csv/fix.csv", corrected)));
        Assert.Contains(
            second.Rows(BlobLayout.TrainFile, BlobLayout.ValidationFile, BlobLayout.TestFile),
            r => r.Messages.Any(m => m.Role == MessageRole.User && m.Content == $"{text} 99")
        );
    }

    [Fact]
    public void Page_ForAClerk_SaysWhatToDoAndEscapesEverything()
    {
        BuiltDataset build = BuiltDataset.From(Request(("a.csv", Csv)));

        string page = RejectedPage.Write(build.Manifest, build.Rejected());

        Assert.Contains("4 of 44 rows", page, StringComparison.Ordinal);
        Assert.Contains("&lt;b&gt;odd&lt;/b&gt;", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<b>odd", page, StringComparison.Ordinal);
        Assert.Contains("Give the row its label or answer.", page, StringComparison.Ordinal);
        Assert.Contains("row 42, line 43, byte ", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", page, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("mended/a.csv/fix.csv", "a.csv")]
    [InlineData("mended/sub/rows.csv/monday.csv", "sub/rows.csv")]
    [InlineData("mended/a.csv", null)]
    [InlineData("a.csv", null)]
    [InlineData("amended/a.csv/x.csv", null)]
    public void CorrectedSource_OfADrop_IsTheFileItCorrects(string name, string? source) =>
        Assert.Equal(source, BlobLayout.CorrectedSource(name));

    /// <summary>Every reason has its advice.</summary>
    [Fact]
    public void Advice_EveryReason_IsThere()
    {
        Assert.All(
            Enum.GetValues<RejectionReason>(),
            r => Assert.NotEqual("See the detail.", RejectionReasons.Advice(r))
        );
    }
}
