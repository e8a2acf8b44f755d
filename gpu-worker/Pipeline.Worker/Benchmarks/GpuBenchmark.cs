using System.Diagnostics;
using Pipeline.Contracts;
using Pipeline.Model;
using Pipeline.Model.Checkpoints;
using Pipeline.Model.Gpu;
using Pipeline.Model.Lora;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Worker.Benchmarks;

/// <summary>
/// Whole optimizer steps of a shape with random weights and tokens, every token supervised: embedding, layers, loss,
/// clipping, AdamW.
/// </summary>
internal static class GpuBenchmark
{
    /// <summary>Llama-2-7B's shape.</summary>
    public static LlamaConfig Llama7B { get; } =
        new()
        {
            Architecture = LlamaConfig.Llama,
            VocabularySize = 32_000,
            HiddenSize = 4096,
            IntermediateSize = 11_008,
            Layers = 32,
            Heads = 32,
            KeyValueHeads = 32,
            HeadSize = 128,
            MaxPositions = 4096,
            RmsNormEpsilon = 1e-5,
            RopeTheta = 10_000,
            TiedEmbeddings = false,
            Dtype = "bfloat16",
        };

    private const int WarmUps = 3;
    private const int StepsARepeat = 8;
    private const double Alpha = 16;
    private const double ClipNorm = 0.3;
    private const double LearningRate = 2e-4;

    /// <summary>Times a case.</summary>
    /// <param name="kernels">The kernels.</param>
    /// <param name="device">Where.</param>
    /// <param name="config">The shape.</param>
    /// <param name="one">The case.</param>
    /// <param name="options">The adapter, and how often.</param>
    /// <param name="memory">Bytes of the device that are free, and all.</param>
    /// <exception cref="ModelException">The case is <c>auto</c>, and nothing fits.</exception>
    public static GpuBenchmarkResult Run(
        GpuKernels kernels,
        Device device,
        LlamaConfig config,
        GpuCase one,
        GpuBenchmarkOptions options,
        Func<(long Free, long Total)> memory
    )
    {
        int rank = options.Rank;
        var training = new TrainingSettings { R = rank };
        ActivationCheckpointing mode =
            one.Memory == ActivationCheckpointing.Auto ? FastestThatFits(config, training, one, memory) : one.Memory;
        double estimated = Gibi(TrainingMemory.OnGpu(config.Shape, training, one.Slots, mode).TotalBytes);
        using IDisposable frozen = no_grad();
        using DisposeScope scope = NewDisposeScope();
        using GpuModel model = GpuModel.Random(config, kernels.Real, device);
        using GpuAdapter adapter = GpuAdapter.Random(config, rank, Alpha / rank, one.Dropout, kernels.Real, device);
        using var gradient = new GpuGradient(model, adapter, kernels, mode);
        using var optimizer = new GpuOptimizer(
            adapter,
            adapter.Copies.to_type(ScalarType.Float32, copy: true),
            kernels,
            weightDecay: 0
        );
        int[][] rows = RandomRows(one, config.VocabularySize);
        (int[] predicting, int[] targets) = SupervisedPositions(rows);
        double weight = 1.0 / predicting.Length;
        Tensor Step()
        {
            using DisposeScope inner = NewDisposeScope();
            // each step brings its own, as in training
            using var batch = new GpuBatch(rows, predicting, targets, device);
            Tensor loss = gradient.Accumulate(batch, weight, CounterDropout.Derive(1, optimizer.Steps));
            optimizer.Step(LearningRate, ClipNorm, loss);
            return loss.MoveToOuterDisposeScope();
        }

        double first = WarmUp(Step);
        (double best, double host, double last) = Time(Step, options.Repeats, device);
        (long free, long total) = memory();
        return new GpuBenchmarkResult(
            one.Name,
            mode.Name(),
            rank,
            "all-linear",
            one.Dropout,
            Math.Round(best, 1),
            Math.Round(host, 1),
            Math.Round(1000 * one.Tokens / best),
            Gibi(total - free),
            estimated,
            Math.Round(first * weight, 4),
            Math.Round(last * weight, 4)
        );
    }

    private static ActivationCheckpointing FastestThatFits(
        LlamaConfig config,
        TrainingSettings training,
        GpuCase one,
        Func<(long Free, long Total)> memory
    )
    {
        if (TrainingMemory.FastestThatFits(config.Shape, training, one.Slots, memory().Free) is { } mode)
        {
            return mode;
        }

        long needed = TrainingMemory
            .OnGpu(config.Shape, training, one.Slots, ActivationCheckpointing.Offload)
            .TotalBytes;
        throw new ModelException(
            $"{one.Name}: even offload needs {needed >> 20:N0} MiB, and {memory().Free >> 20:N0} are free."
        );
    }

    private static int[][] RandomRows(GpuCase one, int vocabulary)
    {
        var random = new Random(1);
        return [.. one.Lengths.Select(l => Enumerable.Range(0, l).Select(_ => random.Next(vocabulary)).ToArray())];
    }

    /// <summary>The loss of the first step of all.</summary>
    private static double WarmUp(Func<Tensor> step)
    {
        double first = 0;
        for (int i = 0; i < WarmUps; i++)
        {
            double loss = step().item<float>();
            first = i == 0 ? loss : first;
        }

        return first;
    }

    /// <summary>
    /// Milliseconds a step, best of some times eight, and of these until the host had queued it; the loss of the last.
    /// </summary>
    private static (double Best, double Host, double Last) Time(Func<Tensor> step, int repeats, Device device)
    {
        (double best, double host, double last) = (double.MaxValue, 0, 0);
        for (int repeat = 0; repeat < repeats; repeat++)
        {
            using DisposeScope scope = NewDisposeScope();
            Synchronize(device);
            long started = Stopwatch.GetTimestamp();
            Tensor loss = step();
            for (int i = 1; i < StepsARepeat; i++)
            {
                loss = step();
            }

            double queued = Stopwatch.GetElapsedTime(started).TotalMilliseconds / StepsARepeat;
            Synchronize(device);
            double took = Stopwatch.GetElapsedTime(started).TotalMilliseconds / StepsARepeat;
            (best, host) = took < best ? (took, queued) : (best, host);
            last = loss.item<float>();
        }

        return (best, host, last);
    }

    private static double Gibi(long bytes) => Math.Round(bytes / (double)(1L << 30), 2);

    /// <summary>Waits for all that was queued.</summary>
    public static void Synchronize(Device device)
    {
        if (device.type == DeviceType.CUDA)
        {
            cuda.synchronize();
        }
    }

    private static (int[] Predicting, int[] Targets) SupervisedPositions(int[][] rows)
    {
        int[] starts = [.. rows.Select((_, i) => rows.Take(i).Sum(r => r.Length))];
        return (
            [.. rows.SelectMany((r, i) => Enumerable.Range(starts[i], r.Length - 1))],
            [.. rows.SelectMany(r => r.Skip(1))]
        );
    }
}

/// <summary>What all cases of <c>bench gpu</c> share.</summary>
/// <param name="Rank">r on all linear layers.</param>
/// <param name="Repeats">The best of so many counts of eight steps.</param>
internal readonly record struct GpuBenchmarkOptions(int Rank, int Repeats);

/// <summary>One line of <c>bench gpu</c>.</summary>
/// <param name="Case">The case.</param>
/// <param name="Memory">What was saved for the backward pass.</param>
/// <param name="Rank">r.</param>
/// <param name="Targets">The adapted layers.</param>
/// <param name="Dropout">On the adapter's input.</param>
/// <param name="Ms">Milliseconds a step, best of several times eight.</param>
/// <param name="HostMs">Of these, until the host had queued it.</param>
/// <param name="TokS">Tokens a second.</param>
/// <param name="PeakGib">Memory of the device in use at the end, context and allocator included.</param>
/// <param name="EstimatedGib">What was estimated before.</param>
/// <param name="FirstLoss">Mean nats a token at the first step.</param>
/// <param name="Loss">At the last one, on the same rows.</param>
internal sealed record GpuBenchmarkResult(
    string Case,
    string Memory,
    int Rank,
    string Targets,
    double Dropout,
    double Ms,
    double HostMs,
    double TokS,
    double PeakGib,
    double EstimatedGib,
    double FirstLoss,
    double Loss
);
