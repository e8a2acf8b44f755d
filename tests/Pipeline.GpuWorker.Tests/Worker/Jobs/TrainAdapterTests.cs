using Pipeline.Contracts;
using Pipeline.GpuWorker.Tests.Model.Checkpoints;
using Pipeline.GpuWorker.Tests.Model.Gpu;
using Pipeline.Model.Gpu;
using static Pipeline.GpuWorker.Tests.Worker.Jobs.SmallJob;
using static TorchSharp.torch;

namespace Pipeline.GpuWorker.Tests.Worker.Jobs;

/// <summary>What a job publishes: the files, their proof, and the report, by method and task.</summary>
public sealed class TrainAdapterTests
{
    [Fact]
    public void Run_SmallDataset_WritesEverythingAndTheSameTwice()
    {
        using var folder = new TemporaryFolder();
        string dataset = Path.Combine(folder.Path, "dataset");
        DatasetManifest manifest = SmallDataset.Write(dataset, SmallDataset.Rows(80), QuickSettings);

        EvaluationReport report = Run(Job(dataset, Path.Combine(folder.Path, "one"), manifest));
        Run(Job(dataset, Path.Combine(folder.Path, "two"), manifest));

        string[] expected =
        [
            "README.md",
            "adapter_config.json",
            "adapter_model.safetensors",
            "evaluation.json",
            "generation_config.json",
            "linear.onnx",
            "proof.json",
            "report.html",
            "template.json",
            "tensorboard",
            "training.json",
        ];
        Assert.Equal(
            expected,
            Directory
                .EnumerateFileSystemEntries(Path.Combine(folder.Path, "one"))
                .Select(Path.GetFileName)
                .Order(StringComparer.Ordinal)
        );
        Assert.Equal(
            File.ReadAllBytes(Path.Combine(folder.Path, "one", "adapter_model.safetensors")),
            File.ReadAllBytes(Path.Combine(folder.Path, "two", "adapter_model.safetensors"))
        );
        Assert.Equal(manifest.Rows.Test, report.Outcomes.Count);
        Assert.Contains(
            "    " + manifest.SystemPrompt,
            File.ReadAllText(Path.Combine(folder.Path, "one", "README.md")),
            StringComparison.Ordinal
        );
        Assert.All(report.Outcomes, o => Assert.Equal(2, o.TunedLikelihoods.Count));
        Assert.NotNull(report.TunedScore.StopRate);
    }

    [Fact]
    public void Run_SmallDataset_ProvesWhatItPublishes()
    {
        using var folder = new TemporaryFolder();
        string dataset = Path.Combine(folder.Path, "dataset");
        DatasetManifest manifest = SmallDataset.Write(dataset, SmallDataset.Rows(80), QuickSettings);
        string output = Path.Combine(folder.Path, "out");

        Run(Job(dataset, output, manifest));

        var proof = ContractJson.Read<AdapterProof>(File.ReadAllBytes(Path.Combine(output, "proof.json")));
        Assert.Equal(
            [
                "every lora_B is non-zero",
                "keys, shapes and dtypes are peft's",
                "reloaded logits equal the trainer's",
                "output differs from the base",
                "answers stop by themselves",
            ],
            proof.Checks.Select(c => c.Name)
        );
        Assert.All(proof.Checks, c => Assert.True(c.Passed, c.ToString()));
        Assert.Equal(
            ContentHash.Sha256(File.ReadAllBytes(Path.Combine(output, "adapter_model.safetensors"))),
            proof.AdapterSha256
        );
        Assert.Contains("model.safetensors", proof.Base.Keys);
        var rendering = ContractJson.Read<TemplateRendering>(File.ReadAllBytes(Path.Combine(output, "template.json")));
        Assert.StartsWith("<s>[INST] <<SYS>>", rendering.Text, StringComparison.Ordinal);
        Assert.Equal(rendering.PromptIds, rendering.Ids.Take(rendering.PromptIds.Count));
        Assert.Equal(
            "bos_token_id int\ndo_sample bool\neos_token_id[] int",
            PythonTypes.Read(Path.Combine(output, "generation_config.json"))
        ); // transformers' GenerationConfig
        Assert.Contains(
            "\"eos_token_id\": [\n    2\n  ]",
            File.ReadAllText(Path.Combine(output, "generation_config.json")),
            StringComparison.Ordinal
        );
    }

    /// <summary>
    /// End to end with a GPU, whose kernels run on the host here: evaluated, trained, proven and published as by the
    /// CPU, and the report names what computed.
    /// </summary>
    [Theory]
    [InlineData("r: 4", "the GPU, by its kernels, bfloat16, activation checkpointing none")]
    [InlineData("r: 4, dora: true", "the GPU, by plain torch, float32 (training.dora learns magnitudes)")]
    public void Run_OnAGpu_ProvesWhatItPublishesAndNamesTheDevice(string knobs, string engine)
    {
        using var folder = new TemporaryFolder();
        string dataset = Path.Combine(folder.Path, "dataset");
        DatasetManifest manifest = SmallDataset.Write(
            dataset,
            SmallDataset.Rows(60),
            $"training: {{ {knobs}, epochs: 1, batchSize: 8, warmupSteps: 1 }}\n"
                + $"evaluation: {{ bootstrapSamples: 200, minimumStopRate: 0 }}\n"
        );
        string output = Path.Combine(folder.Path, "out");
        using Accelerator gpu = HostKernels.Accelerator(ScalarType.BFloat16);

        EvaluationReport report = Run(Job(dataset, output, manifest) with { Gpu = gpu });

        var proof = ContractJson.Read<AdapterProof>(File.ReadAllBytes(Path.Combine(output, "proof.json")));
        Assert.All(proof.Checks, c => Assert.True(c.Passed, c.ToString()));
        Assert.StartsWith(
            engine.Replace("the GPU, by plain torch", "the CPU, by autograd", StringComparison.Ordinal),
            report.Training!.Engine,
            StringComparison.Ordinal
        ); // the host has no other place
        Assert.Contains(
            $"computed by {report.Training.Engine}",
            System.Net.WebUtility.HtmlDecode(File.ReadAllText(Path.Combine(output, "report.html"))),
            StringComparison.Ordinal
        );
        Assert.Equal(manifest.Rows.Test, report.Outcomes.Count);
    }

    [Fact]
    public void Run_FullTraining_PublishesAModelOfItsOwn()
    {
        using var folder = new TemporaryFolder();
        string dataset = Path.Combine(folder.Path, "dataset");
        DatasetManifest manifest = SmallDataset.Write(
            dataset,
            SmallDataset.Rows(60),
            "training: { method: full, epochs: 1, batchSize: 8, warmupSteps: 1 }\n"
                + "evaluation: { bootstrapSamples: 200 }\n"
        );
        string output = Path.Combine(folder.Path, "out");

        EvaluationReport report = Run(Job(dataset, output, manifest));

        var proof = ContractJson.Read<AdapterProof>(File.ReadAllBytes(Path.Combine(output, "proof.json")));
        Assert.Equal(
            [
                "every tensor has moved",
                "keys, shapes and dtypes are the architecture's",
                "reloaded logits equal the trainer's",
                "output differs from the base",
                "answers stop by themselves",
            ],
            proof.Checks.Select(c => c.Name)
        );
        Assert.Equal(
            ContentHash.Sha256(File.ReadAllBytes(Path.Combine(output, "model.safetensors"))),
            proof.AdapterSha256
        );
        Assert.Subset(
            Directory.EnumerateFiles(output).Select(f => Path.GetFileName(f)).ToHashSet(),
            new HashSet<string>
            {
                "config.json",
                "tokenizer.json",
                "generation_config.json",
                "template.json",
                "training.json",
                "evaluation.json",
                "report.html",
                "README.md",
            }
        );
        Assert.Contains(
            "library_name: transformers",
            File.ReadAllText(Path.Combine(output, "README.md")),
            StringComparison.Ordinal
        );
        using var written = Pipeline.Model.Checkpoints.SafetensorsFile.Open(Path.Combine(output, "model.safetensors"));
        Assert.True(report.TunedScore.Perplexity < report.BaseScore.Perplexity);
        Assert.Equal(
            report.Training!.TrainableParameters,
            written.Entries.Values.Sum(e => e.Shape.Aggregate(1L, (a, b) => a * b))
        );
    }

    [Fact]
    public void Run_PlainTexts_AreScoredByTokenLikelihood()
    {
        using var folder = new TemporaryFolder();
        string dataset = Path.Combine(folder.Path, "dataset");
        string texts = string.Join(
            "\n\n",
            Enumerable
                .Range(0, 60)
                .Select(i =>
                    $"The valve {i} must be closed before the pump starts. "
                    + string.Join(
                        ' ',
                        Enumerable.Range(0, i % 4 == 0 ? 20 : 1).Select(k => $"Check seal {(31 * i) + k} again.")
                    )
                )
        );
        DatasetManifest manifest = SmallDataset.Write(
            dataset,
            System.Text.Encoding.UTF8.GetBytes(texts),
            "task: text\nvalidation: { maxTokens: 64 }\n"
                + "training: { r: 4, epochs: 2, batchSize: 8, warmupSteps: 1 }\n"
                + "evaluation: { bootstrapSamples: 200 }\n",
            "manual.txt"
        );
        string output = Path.Combine(folder.Path, "out");

        EvaluationReport report = Run(Job(dataset, output, manifest));

        Assert.True(manifest.Rows.Train > manifest.Rows.Accepted * 0.75, "the long texts are pieces");
        Assert.True(report.TunedScore.Perplexity < report.BaseScore.Perplexity);
        Assert.Equal("tokenLikelihood", report.ScoreName);
        Assert.All(report.Outcomes, o => Assert.InRange(o.TunedScore!.Value, 0.0, 1.0));
        Assert.Equal(report.Outcomes.Count, report.Outcomes.Select(o => o.TextHash).Distinct().Count());
        Assert.Null(report.TunedScore.StopRate);
        Assert.True(report.Difference.Interval.Low > 0, report.Difference.ToString());
        var proof = ContractJson.Read<AdapterProof>(File.ReadAllBytes(Path.Combine(output, "proof.json")));
        Assert.Equal(
            [
                "every lora_B is non-zero",
                "keys, shapes and dtypes are peft's",
                "reloaded logits equal the trainer's",
                "output differs from the base",
            ],
            proof.Checks.Select(c => c.Name)
        );
        Assert.Contains(
            "Likelihood of the right token",
            File.ReadAllText(Path.Combine(output, "report.html")),
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("rslora: true, targets: [q_proj, v_proj]", "\"use_rslora\": true", 24)]
    [InlineData("dora: true", "\"use_dora\": true", 126)]
    [InlineData("neftuneAlpha: 5, packTokens: 512", "\"use_dora\": false", 84)]
    public void Run_OtherMethods_ArePublishedAsPeftWouldWriteThem(string knobs, string inConfig, int tensors)
    {
        using var folder = new TemporaryFolder();
        string dataset = Path.Combine(folder.Path, "dataset");
        DatasetManifest manifest = SmallDataset.Write(
            dataset,
            SmallDataset.Rows(60),
            $"training: {{ r: 4, epochs: 1, batchSize: 8, warmupSteps: 1, {knobs} }}\n"
                + $"evaluation: {{ bootstrapSamples: 200, minimumStopRate: 0 }}\n"
        );
        string output = Path.Combine(folder.Path, "out");

        Run(Job(dataset, output, manifest));

        Assert.Contains(
            inConfig,
            File.ReadAllText(Path.Combine(output, "adapter_config.json")),
            StringComparison.Ordinal
        );
        using var file = Pipeline.Model.Checkpoints.SafetensorsFile.Open(
            Path.Combine(output, "adapter_model.safetensors")
        );
        Assert.Equal(tensors, file.Entries.Count);
    }

    [Fact]
    public void Run_InstructionRows_AreEvaluatedByGenerating()
    {
        using var folder = new TemporaryFolder();
        string dataset = Path.Combine(folder.Path, "dataset");
        DatasetManifest manifest = SmallDataset.Write(
            dataset,
            SmallDataset.Rows(60),
            "task: instruction\n" + QuickSettings
        );

        EvaluationReport report = Run(Job(dataset, Path.Combine(folder.Path, "out"), manifest));

        Assert.Empty(report.Labels);
        Assert.All(report.Outcomes, o => Assert.NotNull(o.TunedText));
        Assert.True(report.TunedScore.Perplexity < report.BaseScore.Perplexity);
    }
}
