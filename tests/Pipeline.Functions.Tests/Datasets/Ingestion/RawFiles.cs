using System.Text;
using Pipeline.Datasets.Ingestion;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Functions.Tests.Datasets.Ingestion;

/// <summary>Small files and how they are read.</summary>
internal static class RawFiles
{
    public const string Csv = "text,label\n\"Grüße, \"\"Welt\"\"\nzweite Zeile\",a\nzwei,b\n";

    public static (List<RawRow> Rows, IReadOnlyList<string> Notes) Read(RawFile file, bool plainTexts = false)
    {
        using var reader = new RawReader(plainTexts);
        List<RawRow> rows = [.. reader.Read(file)];
        return (rows, reader.Notes.Sentences);
    }

    public static (List<RawRow> Rows, IReadOnlyList<string> Notes) Read(string name, byte[] bytes) =>
        Read(new RawFile(name, bytes));

    public static void AssertRows(IEnumerable<RawRow> rows) =>
        Assert.Equal(
            [("Grüße, \"Welt\"\nzweite Zeile", "a"), ("zwei", "b")],
            rows.Select(r => (r.Fields["text"], r.Fields["label"]))
        );

    public static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);
}
