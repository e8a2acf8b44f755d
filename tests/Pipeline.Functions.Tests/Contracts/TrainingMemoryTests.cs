using Pipeline.Contracts;
using Pipeline.Tokenization;

namespace Pipeline.Functions.Tests.Contracts;

public sealed class TrainingMemoryTests
{
    private static readonly BaseShape Llama7B = new(4096, 11008, 32, 32, 32, 128, 32000, TiedEmbeddings: false);
    private static readonly BaseShape Tiny = new BaseModelFolders(RepositoryFiles.At("gpu-worker", "models")).Shape(
        "tiny-llama-chat"
    )!;

    /// <summary>
    /// Counts of Llama-2-7B: 6,738,415,616 parameters (Touvron et al. 2023), 159,907,840 of peft at r = 64 on all
    /// linear layers.
    /// </summary>
    [Fact]
    public void Shape_Llama2_7B_CountsAsPublished()
    {
        Assert.Equal(6_738_415_616, (Llama7B.Layers * Llama7B.LinearParametersPerLayer) + Llama7B.Others);
        Assert.Equal(159_907_840, Llama7B.Trained(new TrainingSettings { R = 64 }));
        Assert.Equal(6_738_415_616, Llama7B.Trained(new TrainingSettings { Method = TrainingMethod.Full }));
        Assert.Equal(
            32L * 2 * 8 * 2 * 4096,
            Llama7B.Trained(new TrainingSettings { R = 8, Targets = ["q_proj", "v_proj"] })
        );
    }

    [Fact]
    public void Shape_OfABase_IsReadFromItsConfig() =>
        Assert.Equal(new BaseShape(256, 688, 6, 8, 4, 32, 4096, TiedEmbeddings: true), Tiny with { Vocabulary = 4096 });

    /// <summary>
    /// Resident memory of whole runs of the worker on tiny-llama-chat, rows of 470 tokens at most (EXPERIMENTS.md,
    /// 2026-11-23).
    /// </summary>
    [Theory]
    [InlineData(TrainingMethod.Qlora, 16, false, 93, 16, 700)]
    [InlineData(TrainingMethod.Qlora, 1, false, 470, 16, 1124)]
    [InlineData(TrainingMethod.Qlora, 8, false, 470, 16, 1179)]
    [InlineData(TrainingMethod.Qlora, 32, false, 470, 16, 2521)]
    [InlineData(TrainingMethod.Lora, 8, false, 470, 64, 1169)]
    [InlineData(TrainingMethod.Full, 8, false, 470, 16, 1113)]
    [InlineData(TrainingMethod.Qlora, 8, true, 470, 16, 2722)]
    public void OnCpu_RunsThatWereMeasured_AreEstimatedWithinAQuarter(
        TrainingMethod method,
        int rows,
        bool dora,
        int longest,
        int rank,
        int measuredMiB
    )
    {
        TrainingMemory memory = TrainingMemory.OnCpu(
            Tiny,
            new TrainingSettings
            {
                Method = method,
                R = rank,
                Dora = dora,
            },
            rows,
            longest,
            rows * (long)longest,
            24L << 30
        );

        Assert.InRange(memory.TotalBytes / (double)(1 << 20), 0.9 * measuredMiB, 1.25 * measuredMiB);
    }

    /// <summary>
    /// A machine that cannot keep every layer's results computes them again: the estimate falls with it.
    /// </summary>
    [Fact]
    public void OnCpu_SmallMachine_KeepsOneLayer()
    {
        var training = new TrainingSettings();
        TrainingMemory large = TrainingMemory.OnCpu(Llama7B, training, 4, 1024, 4096, 512L << 30),
            small = TrainingMemory.OnCpu(Llama7B, training, 4, 1024, 4096, 16L << 30);

        Assert.InRange(large.ActivationBytes / small.ActivationBytes, 5, 32);
        Assert.Equal(large.WeightBytes, small.WeightBytes);
        Assert.True(
            TrainingMemory
                .OnCpu(Llama7B, training with { Optimizer = OptimizerKind.AdamW8Bit }, 4, 1024, 4096, 16L << 30)
                .TrainedBytes < small.TrainedBytes
        );
    }

    /// <summary>
    /// What an experiment of the same layout had in use on an H100 (GiB: 21.4, 11.2, 13.0, 33.1), less the 2.3 that its
    /// building of random weights wasted. The product's own figures are to be measured.
    /// </summary>
    [Theory]
    [InlineData(4096, ActivationCheckpointing.Selective, 19.1)]
    [InlineData(4096, ActivationCheckpointing.Full, 8.9)]
    [InlineData(8192, ActivationCheckpointing.Full, 10.7)]
    [InlineData(8192, ActivationCheckpointing.Selective, 30.8)]
    public void OnGpu_Llama2_7B_IsNearWhatTheExperimentTook(
        int tokens,
        ActivationCheckpointing memory,
        double gibibytes
    )
    {
        TrainingMemory estimated = TrainingMemory.OnGpu(Llama7B, new TrainingSettings { R = 64 }, tokens, memory);

        Assert.InRange(estimated.TotalBytes / (double)(1L << 30), 0.95 * gibibytes, 1.1 * gibibytes);
    }

    [Theory]
    [InlineData(80.0, ActivationCheckpointing.None)]
    [InlineData(20.0, ActivationCheckpointing.Selective)]
    [InlineData(10.0, ActivationCheckpointing.Full)]
    [InlineData(8.5, ActivationCheckpointing.Offload)]
    [InlineData(6.0, null)]
    public void FastestThatFits_SmallerGpu_KeepsLess(double gibibytes, ActivationCheckpointing? expected) =>
        Assert.Equal(
            expected,
            TrainingMemory.FastestThatFits(
                Llama7B,
                new TrainingSettings { R = 64 },
                4096,
                (long)(gibibytes * (1L << 30))
            )
        );
}
