using System.Globalization;
using System.Text;
using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Functions.Tests.Datasets.Ingestion;

/// <summary>Datasets of rows that are written as a tool exports them.</summary>
internal static class ExportedRows
{
    public static BuiltDataset Build(string name, string content, string yaml = "") =>
        BuiltDataset.FromFiles([new RawFile(name, Encoding.UTF8.GetBytes(content))], yaml);

    public static BuiltDataset Build(IReadOnlyList<RawFile> files) => BuiltDataset.FromFiles(files);

    /// <summary>Lines of which the places {i} and {l} are the number and the label.</summary>
    public static string Lines(string row, int count = 24, string labels = "ab") =>
        string.Concat(Enumerable.Range(0, count).Select(i => Row(row, i, labels) + "\n"));

    public static string Row(string row, int i, string labels = "ab") =>
        row.Replace("{i}", i.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
            .Replace("{l}", labels[i % labels.Length].ToString(), StringComparison.Ordinal);

    public static List<Example> Rows(BuiltDataset build) =>
        build.Rows(BlobLayout.TrainFile, BlobLayout.ValidationFile, BlobLayout.TestFile);

    public static string Labels(BuiltDataset build) =>
        string.Join(
            ", ",
            Rows(build)
                .CountBy(r => r.Label!)
                .OrderBy(g => g.Key, StringComparer.Ordinal)
                .Select(g => $"{g.Key} {g.Value}")
        );

    public static string Summary(BuiltDataset build) => $"{build.Manifest.Layout}, {build.Manifest.Task.Name()}";
}
