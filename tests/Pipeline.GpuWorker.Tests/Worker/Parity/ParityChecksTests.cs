using Pipeline.GpuWorker.Tests.Model.Gpu;
using Pipeline.Model.Checkpoints;
using Pipeline.Model.Gpu;
using Pipeline.Worker.Parity;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.GpuWorker.Tests.Worker.Parity;

/// <summary>The build against the reference stack's vectors, and the checks against a build that is wrong.</summary>
public sealed class ParityChecksTests
{
    [Fact]
    public void Run_GoldenVectors_AreWithinTolerance()
    {
        IReadOnlyList<ParityResult> results = ParityChecks.Run(
            RepositoryFiles.At("tests", "Golden"),
            RepositoryFiles.At("gpu-worker", "models", "tiny-llama-chat")
        );

        Assert.Equal(
            [
                "chat-tiny-llama (tokenizer.json)",
                "dora_llama2",
                "llama2",
                "llama3",
                "lora_llama2",
                "lora_rs_llama3",
                "mistral",
                "mistral_window",
                "nf4",
                "qlora_llama2",
                "qwen2",
            ],
            results.Select(r => r.Case.Split('/')[0]).Distinct().Order(StringComparer.Ordinal)
        );
        Assert.All(results, r => Assert.True(r.Passed, r.ToString()));
    }

    /// <summary>
    /// By the kernels of a GPU, in float32 and run on the host here: what they compute lies within what the CPU is
    /// allowed.
    /// </summary>
    [Fact]
    [Trait("Tier", "Slow")]
    public void Run_GoldenVectorsByTheKernels_AreWithinTolerance()
    {
        using Accelerator gpu = HostKernels.Accelerator(ScalarType.Float32);

        IReadOnlyList<ParityResult> results = ParityChecks.Run(
            RepositoryFiles.At("tests", "Golden"),
            RepositoryFiles.At("gpu-worker", "models", "tiny-llama-chat"),
            gpu: gpu
        );

        Assert.Equal(
            ["llama2", "llama3", "lora_llama2", "lora_rs_llama3", "mistral", "mistral_window", "qlora_llama2", "qwen2"],
            results
                .Where(r => r.Case.EndsWith(", by the kernels", StringComparison.Ordinal))
                .Select(r => r.Case.Split(',')[0])
                .Distinct()
                .Order(StringComparer.Ordinal)
        );
        Assert.Contains(
            results,
            r => r.Quantity.EndsWith("dequantised by the kernel, absolute", StringComparison.Ordinal)
        );
        Assert.All(results, r => Assert.True(r.Passed, r.ToString()));
    }

    /// <summary>One case of each kind, in every run of the tests.</summary>
    [Fact]
    public void Run_SomeVectorsByTheKernels_AreWithinTolerance()
    {
        using Accelerator gpu = HostKernels.Accelerator(ScalarType.Float32);
        using var folder = new TemporaryFolder();
        foreach (string name in (string[])["nf4", "qwen2", "llama3", "lora_rs_llama3"])
        {
            folder.CopyOf(RepositoryFiles.At("tests", "Golden", name), name);
        }

        IReadOnlyList<ParityResult> results = ParityChecks.Run(folder.Path, gpu: gpu);

        Assert.Equal(11, results.Count(r => r.Case.EndsWith(", by the kernels", StringComparison.Ordinal)));
        Assert.All(results, r => Assert.True(r.Passed, r.ToString()));
    }

    [Fact]
    public void Run_CheckpointThatDiffersByAThousandth_IsOutsideTolerance()
    {
        using var folder = new TemporaryFolder();
        string copy = folder.CopyOf(RepositoryFiles.At("tests", "Golden", "llama2"), "llama2");
        Change(Path.Combine(copy, "model.safetensors"), "model.layers.1.mlp.up_proj.weight", w => w.mul(1.001));

        IReadOnlyList<ParityResult> results = ParityChecks.Run(folder.Path);

        Assert.Contains(results, r => r.Quantity.StartsWith("logits", StringComparison.Ordinal) && !r.Passed);
    }

    [Fact]
    public void Run_AdapterThatStartsElsewhere_IsOutsideTolerance()
    {
        using var folder = new TemporaryFolder();
        folder.CopyOf(RepositoryFiles.At("tests", "Golden", "llama2"), "llama2");
        string copy = folder.CopyOf(RepositoryFiles.At("tests", "Golden", "lora_llama2"), "lora_llama2");
        Change(
            Path.Combine(copy, "trajectory.safetensors"),
            "init.model.layers.0.self_attn.q_proj.lora_B.weight",
            w => w.mul(1.05)
        );

        IReadOnlyList<ParityResult> results = ParityChecks.Run(folder.Path);

        Assert.Contains(results, r => r.Quantity.StartsWith("final tensors", StringComparison.Ordinal) && !r.Passed);
    }

    [Fact]
    public void Run_SharedReferenceData_IsWithinTolerance()
    {
        foreach (string folder in (string[])["golden", "tokenizers", "models"])
        {
            Assert.All(ParityChecks.Run(RepositoryFiles.Shared(folder)), r => Assert.True(r.Passed, r.ToString()));
        }
    }

    /// <summary>A window one wider than the reference's must show: the checks would see a wrong mask.</summary>
    [Fact]
    public void Run_WindowOffByOne_IsOutsideTolerance()
    {
        using var folder = new TemporaryFolder();
        string copy = folder.CopyOf(RepositoryFiles.At("tests", "Golden", "mistral_window"), "mistral_window");
        string config = Path.Combine(copy, "config.json");
        File.WriteAllText(
            config,
            File.ReadAllText(config)
                .Replace("\"sliding_window\": 16", "\"sliding_window\": 17", StringComparison.Ordinal)
        );

        Assert.Contains(ParityChecks.Run(folder.Path), r => !r.Passed);
    }

    [Fact]
    public void Run_CaseThatCannotBeComputed_FailsWithTheReason()
    {
        using var folder = new TemporaryFolder();
        string copy = folder.CopyOf(RepositoryFiles.At("tests", "Golden", "llama2"), "llama2");
        string config = Path.Combine(copy, "config.json");
        File.WriteAllText(
            config,
            File.ReadAllText(config).Replace("LlamaForCausalLM", "GemmaForCausalLM", StringComparison.Ordinal)
        );

        ParityResult result = Assert.Single(ParityChecks.Run(folder.Path));

        Assert.False(result.Passed);
        Assert.Contains("GemmaForCausalLM", result.Fault, StringComparison.Ordinal);
    }

    private static void Change(string path, string name, Func<Tensor, Tensor> change)
    {
        using DisposeScope scope = NewDisposeScope();
        Dictionary<string, Tensor> tensors;
        using (SafetensorsFile file = SafetensorsFile.Open(path))
        {
            tensors = file.ReadAll();
        }

        tensors[name] = change(tensors[name]);
        SafetensorsFile.Write(path, tensors);
    }
}
