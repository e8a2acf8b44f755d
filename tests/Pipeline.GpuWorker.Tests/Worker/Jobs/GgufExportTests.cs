using Pipeline.Contracts;
using Pipeline.Export.Gguf;
using Pipeline.Tokenization;
using Pipeline.Worker.Jobs;
using static Pipeline.GpuWorker.Tests.Worker.Jobs.SmallJob;

namespace Pipeline.GpuWorker.Tests.Worker.Jobs;

/// <summary>A model as GGUF files, each evaluated on the held-out rows.</summary>
public sealed class GgufExportTests
{
    [Fact]
    public void Write_QuantizedForms_AreEvaluatedOnTheSameRows()
    {
        using var folder = new TemporaryFolder();
        LocalDataset dataset = Dataset(folder.Path);
        string files = Directory.CreateDirectory(Path.Combine(folder.Path, "files")).FullName;

        ExportReport report = Export(SmallDataset.Base, dataset).Write("test", GgufNumbers.F32, ["Q8_0"], files);

        Assert.Equal(["model-F32.gguf", "model-Q8_0.gguf"], report.Files.Select(f => f.Name));
        Assert.Equal(
            ["model-F32.gguf", "model-Q8_0.gguf"],
            Directory.EnumerateFiles(files).Select(Path.GetFileName).Order(StringComparer.Ordinal)
        );
        (ExportedFile whole, ExportedFile quantized) = (report.Files[0], report.Files[1]);
        Assert.Equal((dataset.Test.Count, report.Score), (whole.SameAnswers, whole.Score));
        Assert.InRange(whole.LargestDifference, 0, 1e-2);
        Assert.InRange(quantized.LargestDifference, whole.LargestDifference, 1);
        Assert.InRange(quantized.Bytes, 1, whole.Bytes / 3);
        Assert.Equal(ContentHash.Sha256(File.ReadAllBytes(Path.Combine(files, quantized.Name))), quantized.Sha256);
        Assert.Contains(report.Notes, n => n.StartsWith("The feed-forward of 688 is not", StringComparison.Ordinal));
        Assert.InRange(report.TextsEncodedAlike, 60, 1000);
    }

    /// <summary>A tokenizer without one of its merges: a server would ask in a form that was not learned.</summary>
    [Fact]
    public void Write_TokenizerThatDisagrees_IsRefusedByTheRow()
    {
        using var folder = new TemporaryFolder();
        LocalDataset dataset = Dataset(folder.Path);
        string other = Directory.CreateDirectory(Path.Combine(folder.Path, "other")).FullName;
        foreach (string file in Directory.EnumerateFiles(SmallDataset.Base))
        {
            File.Copy(file, Path.Combine(other, Path.GetFileName(file)));
        }

        string tokenizer = Path.Combine(other, "tokenizer.json");
        System.Text.Json.Nodes.JsonNode root = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(tokenizer))!;
        root["model"]!["merges"]!.AsArray().Clear();
        File.WriteAllText(tokenizer, root.ToJsonString());

        Assert.Matches(
            "^Row rows.csv#\\d+: llama.cpp's tokenizer gives other ids .* nothing was exported.$",
            Assert
                .Throws<InvalidDataException>(() => Export(other, dataset).Write("t", GgufNumbers.F32, [], other))
                .Message
        );
    }

    private static LocalDataset Dataset(string folder)
    {
        string directory = Path.Combine(folder, "dataset");
        SmallDataset.Write(directory, SmallDataset.Rows(60), QuickSettings);
        return LocalDataset.Read(directory);
    }

    private static GgufExport Export(string directory, LocalDataset dataset) =>
        new(directory, dataset, ChatEncoder.FromDirectory(SmallDataset.Base), TestContext.Current.CancellationToken);
}
