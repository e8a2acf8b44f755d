using System.Text;
using Pipeline.Contracts;
using Pipeline.Datasets.Building;
using Pipeline.Datasets.Ingestion.Rows;
using Pipeline.Tokenization;

namespace Pipeline.Functions.Tests.Datasets;

/// <summary>A dataset that is built in parts is the one that is built at once.</summary>
public sealed class DatasetPartsTests
{
    private static DatasetRequest Request(string name, byte[] bytes) =>
        DemoDataset.Request(new ProjectSettings(), new RawFile(name, bytes));

    private static byte[] Csv(char separator) =>
        Encoding.UTF8.GetBytes(
            $"id{separator}text{separator}label\n"
                + string.Concat(
                    Enumerable
                        .Range(0, 300)
                        .Select(i =>
                            $"{i}{separator}{Text(i, separator)}{separator}{Label(i)}\n{(i % 50 == 0 ? "\n" : "")}"
                        )
                )
        );

    private static string Text(int i, char separator) =>
        separator == '\t'
            ? $"a \"line\", number {i % 290}"
            : $"\"{(i % 7 == 0 ? "ein Gruß," : "a line,")} number {i % 290}\r\n of \"\"three\"\"\nlines; café\"";

    private static string Label(int i) =>
        i % 3 == 0 ? "a"
        : i % 41 == 0 ? "odd"
        : "b";

    private static byte[] Jsonl =>
        Encoding.UTF8.GetBytes(
            string.Concat(
                Enumerable
                    .Range(0, 300)
                    .Select(i =>
                        i % 60 == 9
                            ? "{broken\n"
                            : $$"""{"text": "row {{i % 290}} é", "label": "{{(i % 3 == 0 ? "a" : "b")}}"}""" + "\n"
                    )
            )
        );

    [Theory]
    [InlineData("a.csv", ',', false)]
    [InlineData("a.csv", ';', false)]
    [InlineData("a.csv", '|', true)]
    [InlineData("a.tsv", '\t', false)]
    [InlineData("a.jsonl", ' ', false)]
    public void Build_InParts_GivesTheSameBytes(string name, char separator, bool mark)
    {
        byte[] bytes =
        [
            .. mark ? Encoding.UTF8.GetPreamble() : [],
            .. name.EndsWith("jsonl", StringComparison.Ordinal) ? Jsonl : Csv(separator),
        ];
        using var inputs = new DatasetInputs(Request(name, bytes));
        Assert.True(inputs.All[0].SupportsRanges);
        BuiltDataset whole = BuiltDataset.From(Request(name, bytes));

        foreach (int partBytes in (int[])[1, 100, 1000, 4096])
        {
            Assert.InRange(
                DatasetBuilder.Plan(Request(name, bytes), partBytes).Parts.Count,
                bytes.Length / (partBytes + 200),
                301
            );
            Assert.Equal(whole.Files, BuiltDataset.From(Request(name, bytes), partBytes).Files);
        }

        Assert.True(whole.Manifest.Rows.Read >= 300);
        Assert.NotEmpty(whole.Rejected());
    }

    /// <summary>
    /// In a table of one column a blank line is an empty value, wherever it stands; before the names it is nothing.
    /// </summary>
    [Fact]
    public void Build_OneColumnWithBlankLines_GivesTheSameRowsInParts()
    {
        byte[] bytes = Encoding.UTF8.GetBytes(
            "\ntext\n"
                + string.Concat(
                    Enumerable.Range(0, 120).Select(i => i % 10 == 3 ? "\n" : $"line number {i} of the only column\n")
                )
        );
        DatasetRequest request = Request("a.tsv", bytes) with
        {
            Settings = new ProjectSettings
            {
                Task = TaskKind.Text,
                HasExplicitTask = true,
                Template = "text",
            },
            Encoder = ChatEncoder.FromDirectory(RepositoryFiles.At("gpu-worker", "models", "tiny-llama-chat"), "text"),
        };
        BuiltDataset whole = BuiltDataset.From(request);

        Assert.Equal((120, 12), (whole.Manifest.Rows.Read, whole.Manifest.Reasons[RejectionReason.MissingText.Name()]));
        Assert.Equal(whole.Files, BuiltDataset.From(request, partBytes: 150).Files);
    }

    /// <summary>Each part is made with nothing but the request and the plan, as it crosses storage.</summary>
    [Fact]
    public void BuildPart_EachByItself_AssemblesToTheSameBytes()
    {
        byte[] bytes = Csv(',');
        DatasetPlan plan = ContractJson.Read<DatasetPlan>(
            ContractJson.WriteUtf8(DatasetBuilder.Plan(Request("a.csv", bytes), 2000))
        );
        Stream[] parts = [.. Enumerable.Range(0, plan.Parts.Count).Select(_ => new MemoryStream())];
        foreach (int part in Enumerable.Range(0, parts.Length).Reverse())
        {
            DatasetBuilder.BuildPart(Request("a.csv", bytes), plan, part, parts[part]);
            parts[part].Position = 0;
        }

        string folder = Directory.CreateTempSubdirectory("pipeline-dataset-test-").FullName;
        DatasetBuild build = DatasetBuilder.Assemble(Request("a.csv", bytes), plan, parts, folder);

        Assert.True(parts.Length > 5);
        Assert.Equal(BuiltDataset.From(Request("a.csv", bytes)).Manifest.Files, build.Manifest.Files);
        Directory.Delete(folder, recursive: true);
    }

    [Theory]
    [InlineData("utf-16")]
    [InlineData("utf-32")]
    public void Inputs_MultiByteEncoding_IsReadAsAWhole(string encoding)
    {
        Encoding fileEncoding = Encoding.GetEncoding(encoding);
        using var inputs = new DatasetInputs(
            Request(
                "a.csv",
                [.. fileEncoding.GetPreamble(), .. fileEncoding.GetBytes(Encoding.UTF8.GetString(Csv(',')))]
            )
        );

        Assert.False(inputs.All[0].SupportsRanges);
    }
}
