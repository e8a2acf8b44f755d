using System.Text;
using System.Text.Json;
using Parquet.Serialization;
using Pipeline.Contracts;
using Pipeline.Datasets.Building;
using Pipeline.Datasets.Configuration;
using Pipeline.Datasets.Exports;
using Pipeline.Datasets.Ingestion.Rows;
using Pipeline.Tokenization;
using YamlDotNet.RepresentationModel;

namespace Pipeline.Functions.Tests.Datasets;

/// <summary>The layouts of others hold the very rows of the dataset.</summary>
public sealed class ExportTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("pipeline-export-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private DatasetManifest Build(string yaml = "")
    {
        string csv =
            "text,label\n"
            + string.Concat(
                Enumerable.Range(0, 60).Select(i => $"\"row {i}, grüße \"\"zitiert\"\"\",{(i % 2 == 0 ? "a" : "b")}\n")
            );
        ProjectSettings settings = ProjectFile.Read(yaml);
        return DatasetBuilder
            .Build(
                new DatasetRequest
                {
                    Project = "p",
                    Settings = settings,
                    Files = [new RawFile("a.csv", Encoding.UTF8.GetBytes(csv))],
                    Encoder = ChatEncoder.FromDirectory(
                        RepositoryFiles.At("gpu-worker", "models", "tiny-llama-chat"),
                        settings.Template
                    ),
                    TokenizerSha256 = "t",
                },
                _folder
            )
            .Manifest;
    }

    private List<Example> Rows(string file) =>
        [.. File.ReadLines(Path.Combine(_folder, file)).Select(l => ContractJson.Read<Example>(l))];

    [Fact]
    public async Task HuggingFace_EachSplit_HoldsTheRowsAndTheCardNamesTheFiles()
    {
        DatasetManifest manifest = Build();

        IReadOnlyList<string> files = await HuggingFaceLayout.WriteAsync(
            _folder,
            manifest,
            TestContext.Current.CancellationToken
        );

        Assert.Equal(
            [
                "huggingface/data/train-00000-of-00001.parquet",
                "huggingface/data/validation-00000-of-00001.parquet",
                "huggingface/data/test-00000-of-00001.parquet",
                "huggingface/README.md",
            ],
            files
        );
        foreach (string split in (string[])["train", "validation", "test"])
        {
            using FileStream stream = File.OpenRead(
                Path.Combine(_folder, $"huggingface/data/{split}-00000-of-00001.parquet")
            );
            IList<HuggingFaceRow> rows = (
                await ParquetSerializer.DeserializeAsync<HuggingFaceRow>(
                    stream,
                    cancellationToken: TestContext.Current.CancellationToken
                )
            ).Data;
            Assert.Equal(
                Rows(split + ".jsonl").Select(r => (r.Id, r.Label, r.Messages[^2].Content, r.Source.Row)),
                rows.Select(r => (r.Id!, r.Label, r.Messages![^2].Content!, r.SourceRow))
            );
        }

        string card = await File.ReadAllTextAsync(
            Path.Combine(_folder, "huggingface/README.md"),
            TestContext.Current.CancellationToken
        );
        var yaml = new YamlStream();
        yaml.Load(new StringReader(card.Split("---")[1]));
        var data = (YamlSequenceNode)yaml.Documents[0].RootNode["configs"][0]["data_files"];
        Assert.Equal(files.SkipLast(1).Select(f => f["huggingface/".Length..]), data.Select(d => d["path"].ToString()));
        byte[] first = await File.ReadAllBytesAsync(
            Path.Combine(_folder, files[0]),
            TestContext.Current.CancellationToken
        );
        await HuggingFaceLayout.WriteAsync(_folder, manifest, TestContext.Current.CancellationToken);
        Assert.Equal(
            first,
            await File.ReadAllBytesAsync(Path.Combine(_folder, files[0]), TestContext.Current.CancellationToken)
        ); // the same bytes again
    }

    [Fact]
    public void OpenAi_EachLine_HoldsTheDialogueAlone()
    {
        DatasetManifest manifest = Build();

        Assert.Equal(
            ["openai/train.jsonl", "openai/validation.jsonl", "openai/test.jsonl"],
            OpenAiMessages.Write(_folder, manifest)
        );

        string[] lines = File.ReadAllLines(Path.Combine(_folder, "openai/train.jsonl"));
        Assert.Equal(manifest.Rows.Train, lines.Length);
        Assert.All(
            lines.Zip(Rows("train.jsonl")),
            pair =>
            {
                JsonElement line = JsonDocument.Parse(pair.First).RootElement;
                Assert.Equal("messages", Assert.Single(line.EnumerateObject()).Name);
                Assert.Equal(
                    pair.Second.Messages.Select(m => (m.Role.Name(), m.Content)),
                    line.GetProperty("messages")
                        .EnumerateArray()
                        .Select(m => (m.GetProperty("role").GetString()!, m.GetProperty("content").GetString()!))
                );
            }
        );
    }

    [Fact]
    public void OpenAi_PlainTexts_AreNoDialogues() =>
        Assert.Empty(OpenAiMessages.Write(_folder, Build("task: text\n")));
}
