using Pipeline.Contracts;
using Pipeline.GpuWorker.Tests.Worker.Commands;
using Pipeline.Model;
using Pipeline.Model.Adapters;
using Pipeline.Model.Checkpoints;
using Pipeline.Model.Gpu;
using Pipeline.Model.Llama;
using Pipeline.Model.Weights;
using Pipeline.Training.Optimization;
using Pipeline.Worker.Benchmarks;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.GpuWorker.Tests.Model.Gpu;

/// <summary>
/// What the benchmarks run, on a small shape with the kernels on the host: the steps learn, and every kernel gets what
/// it takes.
/// </summary>
public sealed class GpuBenchmarkTests
{
    private static readonly GpuBenchmarkOptions Once = new(Rank: 4, Repeats: 1);
    private static readonly LlamaConfig Small = GpuBenchmark.Llama7B with
    {
        VocabularySize = 509,
        HiddenSize = 64,
        IntermediateSize = 176,
        Layers = 2,
        Heads = 4,
        KeyValueHeads = 2,
        HeadSize = 16,
    };

    [Theory]
    [InlineData("4x1024:selective", 4096, ActivationCheckpointing.Selective, 0.1)]
    [InlineData("8x512:full:0", 4096, ActivationCheckpointing.Full, 0.0)]
    public void Case_OfEqualRows_IsParsed(string text, int tokens, ActivationCheckpointing memory, double dropout)
    {
        GpuCase one = GpuCase.Parse(text);

        Assert.Equal((tokens, memory, dropout), (one.Tokens, one.Memory, one.Dropout));
        Assert.Single(one.Lengths.Distinct());
    }

    [Fact]
    public void Case_OfPackedRows_FillsTheBatchWithRowsOfTheMean()
    {
        GpuCase one = GpuCase.Parse("packed200x4096:selective");

        Assert.InRange(one.Tokens, 3700, 4096);
        Assert.InRange(one.Lengths.Average(), 150, 250);
        Assert.True(one.Lengths.Distinct().Count() > one.Lengths.Count / 2);
    }

    [Theory]
    [InlineData("4x1024")]
    [InlineData("4x:full")]
    [InlineData("0x4:full")]
    [InlineData("4x8:slim")]
    [InlineData("4x8:full:1")]
    public void Case_WrongText_IsRefusedWithAnExample(string text) =>
        Assert.Contains(
            "4x1024:selective",
            Assert.Throws<ModelException>(() => GpuCase.Parse(text)).Message,
            StringComparison.Ordinal
        );

    [Theory]
    [InlineData(ScalarType.Float32, "2x24:selective")]
    [InlineData(ScalarType.Float32, "packed8x40:full:0")]
    [InlineData(ScalarType.BFloat16, "2x16:none:0")]
    public void Run_SmallShape_LearnsTheRowsThatItRepeats(ScalarType real, string text)
    {
        using GpuKernels kernels = HostKernels.Load(real);

        GpuBenchmarkResult result = GpuBenchmark.Run(
            kernels,
            CPU,
            Small,
            GpuCase.Parse(text),
            Once,
            () => (5L << 30, 8L << 30)
        );

        Assert.Equal((text, 4, 3.0), (result.Case, result.Rank, result.PeakGib));
        Assert.InRange(result.FirstLoss, 4, 9); // log 509 is 6.2
        Assert.True(result.Loss < result.FirstLoss, $"{result.FirstLoss} to {result.Loss}");
        Assert.True(result.TokS > 0 && result.Ms >= result.HostMs);
    }

    /// <summary>Auto chooses the fastest memory mode that fits, and reports what is missing where none does.</summary>
    [Fact]
    public void Run_Auto_ChoosesTheFastestThatFits()
    {
        using GpuKernels kernels = HostKernels.Load(ScalarType.Float32);
        GpuCase one = GpuCase.Parse("2x16:auto:0");

        Assert.Equal("none", GpuBenchmark.Run(kernels, CPU, Small, one, Once, () => (5L << 30, 8L << 30)).Memory);
        Assert.Contains(
            "even offload needs",
            Assert
                .Throws<ModelException>(() =>
                    GpuBenchmark.Run(kernels, CPU, Small, one, Once, () => (5L << 20, 8L << 30))
                )
                .Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void KernelBenchmark_EveryKernel_IsTimed()
    {
        using GpuKernels kernels = HostKernels.Load(ScalarType.BFloat16);

        List<KernelBenchmarkResult> results =
        [
            .. KernelBenchmark.Run(kernels, CPU, new KernelShapes(8, 64, 176, 512), times: 1),
        ];

        Assert.All(
            KernelSource.Kernels,
            k => Assert.Contains(results, r => r.Kernel == k || r.Kernel.StartsWith(k + ' ', StringComparison.Ordinal))
        );
        Assert.All(results, r => Assert.True(r.Us > 0 && (r.GbS ?? r.TflopS) is not null));
    }

    [Fact]
    public void DecodeBenchmark_RowsSideBySide_AreTimed()
    {
        using GpuKernels kernels = HostKernels.Load(ScalarType.BFloat16);

        DecodeBenchmarkResult result = DecodeBenchmark.Run(
            kernels,
            CPU,
            Small,
            new DecodeCase(Rows: 3, Tokens: 4),
            repeats: 1,
            freeBytes: 1L << 30
        );

        Assert.Equal(("decode3x4", 3), (result.Case, result.Rows));
        Assert.True(result.PromptMs > 0 && result.TokenMs > 0 && result.TokS > 0, result.ToString());
    }

    /// <summary>
    /// Clipped and unclipped, in one micro-batch and several, with moments of 32 and 8 bits, the steps are those of the
    /// optimizer that the CPU trains with.
    /// </summary>
    [Theory]
    [InlineData(0.05, 1, OptimizerKind.AdamW)]
    [InlineData(1000.0, 1, OptimizerKind.AdamW)]
    [InlineData(0.05, 3, OptimizerKind.AdamW)]
    [InlineData(0.05, 1, OptimizerKind.AdamW8Bit)]
    [InlineData(1000.0, 2, OptimizerKind.AdamW8Bit)]
    public void Optimizer_SeveralSteps_MatchTheCpuOptimizer(double clipNorm, int batches, OptimizerKind name)
    {
        using DisposeScope scope = NewDisposeScope();
        using GpuKernels kernels = HostKernels.Load(ScalarType.Float32);
        using LlamaModel model = LlamaModel.Load(RepositoryFiles.At("tests", "Golden", "llama2"), WeightStorage.Full);
        // matrices above and below the 4,096 numbers of 8 bits
        using LoraAdapter trained = LoraAdapter.Create(model, new LoraOptions(64, 8, 0), seed: 3);
        using var expected = Optimizer.For(trained, new TrainingSettings { Optimizer = name, WeightDecay = 0.1 });
        using GpuAdapter copies = GpuAdapter.From(trained, model.Projections, ScalarType.Float32, CPU);
        using var optimizer = new GpuOptimizer(
            copies,
            trained.Values.clone(),
            kernels,
            0.1,
            name == OptimizerKind.AdamW ? null : AdamW8Bit.Moments(trained, CPU)
        );
        using var generator = new Generator(1);
        for (int step = 0; step < 4; step++)
        {
            using IDisposable frozen = no_grad();
            SetGradients(trained, copies, randn(trained.Values.shape, generator: generator).mul_(0.01), batches);

            double norm = expected.ClipGradients(clipNorm);
            expected.Step(1e-3);

            Assert.Equal(norm, optimizer.Step(1e-3, clipNorm, tensor(1f)).item<float>(), 1e-5 * norm);
        }

        // A code that lies midway may fall to either side: then a number's next steps differ by a few hundredths.
        Tensor error = trained.Values.sub(optimizer.Values).abs();
        Assert.True(
            error.mean().item<float>() < 1e-7
                && error.max().item<float>() < (name == OptimizerKind.AdamW ? 1e-6 : 2e-4),
            $"{error.mean().item<float>()} {error.max().item<float>()}"
        );
        Assert.True(copies.Copies.equal(optimizer.Values).all().item<bool>());
        Assert.Equal(0, copies.Gradients.count_nonzero().item<long>());
        AssertStateIsNear(expected, optimizer);
    }

    /// <summary>The whole gradient for the CPU, and an equal share of it for each micro-batch of the copies.</summary>
    private static void SetGradients(LoraAdapter trained, GpuAdapter copies, Tensor gradients, int batches)
    {
        trained.Gradients.copy_(gradients);
        for (int i = 0; i < batches; i++)
        {
            copies.Gradients.copy_(gradients.div(batches));
            if (batches > 1)
            {
                copies.AddUp();
            }
        }
    }

    private static void AssertStateIsNear(Optimizer expected, GpuOptimizer optimizer)
    {
        foreach (
            ((string name, Tensor value), (_, Tensor actual)) in expected
                .State.Zip(optimizer.State)
                .Where(s => s.First.Value.NumberOfElements > 0)
        )
        {
            Assert.True(
                value.to(ScalarType.Float32).sub(actual).abs().gt(1e-5).to(ScalarType.Float32).mean().item<float>()
                    < 1e-3,
                name
            );
        }
    }

    /// <summary>A loss that is not a number teaches nothing, though its gradients may be numbers.</summary>
    [Fact]
    public void Optimizer_LossThatIsNotANumber_ChangesNothing()
    {
        using DisposeScope scope = NewDisposeScope();
        using GpuKernels kernels = HostKernels.Load(ScalarType.Float32);
        using LlamaModel model = LlamaModel.Load(RepositoryFiles.At("tests", "Golden", "llama2"), WeightStorage.Full);
        using LoraAdapter trained = LoraAdapter.Create(model, new LoraOptions(4, 8, 0), seed: 3);
        using GpuAdapter copies = GpuAdapter.From(trained, model.Projections, ScalarType.Float32, CPU);
        using var optimizer = new GpuOptimizer(copies, trained.Values.clone(), kernels, 0.1);
        copies.Gradients.fill_(1);

        optimizer.Step(1e-3, 1, tensor(float.PositiveInfinity));

        Assert.True(optimizer.Values.equal(trained.Values).all().item<bool>());
        Assert.Equal(0, copies.Gradients.count_nonzero().item<long>());
    }

    /// <summary>Every command that computes looks at its device before it does anything.</summary>
    [Theory]
    [InlineData("bench gpu")]
    [InlineData("bench kernels")]
    [InlineData("run --device cuda")]
    [InlineData("parity . --device cuda")]
    [InlineData("generate --base . --prompt p --device cuda")]
    [InlineData("quantize --base . --out nowhere --device cuda")]
    public void Command_WithoutAGpu_SaysSoInOneLine(string arguments)
    {
        Assert.SkipWhen(
            File.Exists("/dev/nvidiactl"),
            "checks the message on a machine without a GPU, and this one has a GPU; run it on a CPU-only machine"
        );
        (int code, string output, string errors) = WorkerProgram.Run(
            arguments.Split(' '),
            workingDirectory: RepositoryFiles.At("tests")
        );

        Assert.Equal((2, ""), (code, output));
        Assert.StartsWith("cuda: there is no libcuda.so.1", errors, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', errors.Trim());
        Assert.False(Directory.Exists(RepositoryFiles.At("tests", "nowhere")));
    }

    [Fact]
    public void Command_UnknownDevice_NamesTheSetting()
    {
        (int code, _, string errors) = WorkerProgram.Run(
            ["run"],
            environment: new Dictionary<string, string?> { ["PIPELINE_DEVICE"] = "gpu" }
        );

        Assert.Equal((2, "PIPELINE_DEVICE is 'gpu'; use cpu or cuda."), (code, errors.Trim()));
    }
}
