using System.Diagnostics;
using Pipeline.Model.Gpu;
using Pipeline.Model.Optimization;
using Pipeline.Model.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Worker.Benchmarks;

/// <summary>Each kernel on the tensors of a step, beside what copying and multiplying reach in the same run.</summary>
internal sealed class KernelBenchmark
{
    private const int Repeats = 5;
    private const int HeadSize = 128;
    private const int MaxLossRows = 2048;
    private static readonly DropMask Mask = new(0.1, 1);
    private readonly GpuKernels _kernels;
    private readonly Device _device;
    private readonly KernelShapes _shapes;
    private readonly int _times;

    private KernelBenchmark(GpuKernels kernels, Device device, KernelShapes shapes, int times) =>
        (_kernels, _device, _shapes, _times) = (kernels, device, shapes, times);

    /// <summary>Times the kernels.</summary>
    /// <param name="kernels">The kernels.</param>
    /// <param name="device">Where.</param>
    /// <param name="shapes">Of the tensors.</param>
    /// <param name="times">Calls between two looks at the clock.</param>
    public static IEnumerable<KernelBenchmarkResult> Run(
        GpuKernels kernels,
        Device device,
        KernelShapes shapes,
        int times
    )
    {
        using IDisposable frozen = no_grad();
        var benchmark = new KernelBenchmark(kernels, device, shapes, times);
        IEnumerable<KernelBenchmarkResult>[] all =
        [
            benchmark.MatrixProduct(),
            benchmark.Copy(),
            benchmark.Nf4(),
            benchmark.Norms(),
            benchmark.NormDerivatives(),
            benchmark.Rotary(),
            benchmark.SwiGlu(),
            benchmark.SwiGluWithDropout(),
            benchmark.GatherAndDropout(),
            benchmark.CrossEntropy(),
            benchmark.SumOfSquares(),
            benchmark.AdamW(),
            benchmark.AdamW8Bit(),
        ];
        foreach (KernelBenchmarkResult result in all.SelectMany(results => results))
        {
            yield return result;
        }
    }

    /// <summary>Bytes of a number.</summary>
    private double Size => _kernels.Real.ElementSize();

    /// <summary>Bytes of [tokens, hidden].</summary>
    private double HiddenBytes => _shapes.Tokens * _shapes.Hidden * Size;

    /// <summary>Bytes of [tokens, inner].</summary>
    private double InnerBytes => _shapes.Tokens * _shapes.Inner * Size;

    /// <summary>Numbers of an adapter that is trained.</summary>
    private long Trained => 16 * _shapes.Tokens * _shapes.Hidden / 8;

    /// <summary>The ceiling of what multiplies.</summary>
    private IEnumerable<KernelBenchmarkResult> MatrixProduct()
    {
        using DisposeScope scope = NewDisposeScope();
        (long tokens, long hidden, long inner, _) = _shapes;
        Tensor left = Numbers(tokens, hidden),
            right = Numbers(inner, hidden),
            product = Numbers(tokens, inner);
        double seconds = Best(() => product.addmm_(left, right.t(), 0, 1));
        yield return new KernelBenchmarkResult(
            "matrix product",
            Micro(seconds),
            null,
            Math.Round(2.0 * tokens * hidden * inner / seconds / 1e12, 1)
        );
    }

    /// <summary>The ceiling of what reads and writes.</summary>
    private IEnumerable<KernelBenchmarkResult> Copy()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor source = Numbers(64 * _shapes.Tokens, _shapes.Hidden / 8),
            target = empty_like(source);
        yield return Bandwidth("copy", 2 * source.NumberOfElements * Size, () => target.copy_(source));
    }

    private IEnumerable<KernelBenchmarkResult> Nf4()
    {
        using DisposeScope scope = NewDisposeScope();
        (_, long hidden, long inner, _) = _shapes;
        Tensor dequantized = Numbers(inner, hidden);
        using Nf4Weight codes = new(
            [inner, hidden],
            randint(0, 256, inner * hidden / 2, dtype: ScalarType.Byte, device: _device),
            randint(0, 256, inner * hidden / 64, dtype: ScalarType.Byte, device: _device),
            ones((inner * hidden / 64 / 256) + 1, device: _device),
            0.1f
        );
        yield return Bandwidth(
            "nf4_dequantize",
            codes.Bytes + (inner * hidden * Size),
            () => _kernels.Dequantize(codes, dequantized)
        );
        foreach (int rows in (int[])[1, 8])
        {
            (Tensor input, Tensor output) = (Numbers(rows, hidden), Numbers(rows, inner));
            yield return Bandwidth($"nf4_matvec of {rows}", codes.Bytes, () => _kernels.Multiply(codes, input, output));
        }
    }

    private IEnumerable<KernelBenchmarkResult> Norms()
    {
        using DisposeScope scope = NewDisposeScope();
        (Tensor input, Tensor output, Tensor other) = (Hidden(), Hidden(), Hidden());
        (Tensor weight, Tensor scales) = (Numbers(_shapes.Hidden), ones(_shapes.Tokens, device: _device));
        yield return Bandwidth(
            "rms_norm_forward",
            2 * HiddenBytes,
            () => _kernels.RmsNorm(input, weight, 1e-5, output, scales)
        );
        var dropping = new NormFusion(Dropped: other, Mask: Mask);
        yield return Bandwidth(
            "rms_norm_forward, some dropped",
            3 * HiddenBytes,
            () => _kernels.RmsNorm(input, weight, 1e-5, output, scales, dropping)
        );
        var adding = new NormFusion(Added: other, Sum: other);
        yield return Bandwidth(
            "rms_norm_forward of a sum",
            4 * HiddenBytes,
            () => _kernels.RmsNorm(input, weight, 1e-5, output, scales, adding)
        );
    }

    private IEnumerable<KernelBenchmarkResult> NormDerivatives()
    {
        using DisposeScope scope = NewDisposeScope();
        (Tensor gradient, Tensor residual, Tensor dxLora) = (Hidden(), Hidden(), Hidden());
        var saved = new SavedNorm(Hidden(), Numbers(_shapes.Hidden), ones(_shapes.Tokens, device: _device));
        yield return Bandwidth(
            "rms_norm_backward",
            4 * HiddenBytes,
            () => _kernels.RmsNormBackward(saved, gradient, residual, residual)
        );
        yield return Bandwidth(
            "rms_norm_backward, some dropped",
            5 * HiddenBytes,
            () => _kernels.RmsNormBackward(saved, gradient, residual, residual, dxLora, Mask)
        );
    }

    private IEnumerable<KernelBenchmarkResult> Rotary()
    {
        using DisposeScope scope = NewDisposeScope();
        (long tokens, long hidden, _, _) = _shapes;
        int heads = (int)Math.Max(1, hidden / HeadSize),
            headSize = (int)Math.Min(HeadSize, hidden);
        Tensor rows = Hidden(),
            table = ones(tokens, headSize / 2, device: _device);
        var angles = new RotaryAngles(arange(tokens, dtype: ScalarType.Int32, device: _device), table, table);
        yield return Bandwidth(
            "rotary",
            2 * HiddenBytes,
            () => _kernels.Rotate(rows, heads, headSize, angles, backward: false)
        );
    }

    private IEnumerable<KernelBenchmarkResult> SwiGlu()
    {
        using DisposeScope scope = NewDisposeScope();
        (Tensor gateUp, Tensor gated) = (Inner(2), Inner());
        yield return Bandwidth("swiglu_forward", 3 * InnerBytes, () => _kernels.SwiGlu(gateUp, gated));
        yield return Bandwidth("swiglu_backward", 6 * InnerBytes, () => _kernels.SwiGluBackward(gateUp, gated));
    }

    private IEnumerable<KernelBenchmarkResult> SwiGluWithDropout()
    {
        using DisposeScope scope = NewDisposeScope();
        (Tensor gateUp, Tensor gated, Tensor other) = (Inner(2), Inner(), Inner());
        yield return Bandwidth(
            "swiglu_forward, some dropped",
            4 * InnerBytes,
            () => _kernels.SwiGlu(gateUp, gated, other, Mask)
        );
        yield return Bandwidth(
            "swiglu_backward, some dropped",
            7 * InnerBytes,
            () => _kernels.SwiGluBackward(gateUp, gated, other, Mask)
        );
    }

    private IEnumerable<KernelBenchmarkResult> GatherAndDropout()
    {
        using DisposeScope scope = NewDisposeScope();
        (Tensor input, Tensor output) = (Hidden(), Hidden());
        Tensor reversed = arange(_shapes.Tokens - 1, -1, -1, dtype: ScalarType.Int32, device: _device);
        yield return Bandwidth("gather_rows", 2 * HiddenBytes, () => _kernels.Gather(input, reversed, output));
        yield return Bandwidth("dropout", 2 * HiddenBytes, () => _kernels.Dropout(input, output, Mask, onto: false));
    }

    private IEnumerable<KernelBenchmarkResult> CrossEntropy()
    {
        using DisposeScope scope = NewDisposeScope();
        long rows = Math.Min(_shapes.Tokens, MaxLossRows);
        (Tensor logits, Tensor targets, Tensor losses) = (
            Numbers(rows, _shapes.Vocabulary),
            zeros(rows, dtype: ScalarType.Int32, device: _device),
            empty(rows, device: _device)
        );
        yield return Bandwidth(
            "cross_entropy",
            3 * logits.NumberOfElements * Size,
            () => _kernels.CrossEntropy(logits, (int)_shapes.Vocabulary, targets, losses, 1)
        );
    }

    private IEnumerable<KernelBenchmarkResult> SumOfSquares()
    {
        using DisposeScope scope = NewDisposeScope();
        (Tensor gradients, Tensor sums) = (Numbers(Trained), zeros(1024, device: _device));
        yield return Bandwidth("sum_of_squares", Trained * Size, () => _kernels.SumOfSquares(gradients, sums));
    }

    private IEnumerable<KernelBenchmarkResult> AdamW()
    {
        using DisposeScope scope = NewDisposeScope();
        (AdamWTensors trained, Tensor clip) = (TrainedTensors(), ones(1, device: _device));
        (Tensor first, Tensor second) = (zeros(Trained, device: _device), zeros(Trained, device: _device));
        yield return Bandwidth(
            "adamw",
            Trained * ((6 * 4) + (3 * Size)),
            () => _kernels.AdamW(trained, first, second, FirstStep(), clip)
        );
    }

    private IEnumerable<KernelBenchmarkResult> AdamW8Bit()
    {
        using DisposeScope scope = NewDisposeScope();
        using var moments = new BlockwiseMoments([(Trained, true)], _device);
        (AdamWTensors trained, Tensor clip) = (TrainedTensors(), ones(1, device: _device));
        Tensor places = tensor(moments.Places, device: _device);
        yield return Bandwidth(
            "adamw_8bit",
            Trained * ((2 * 4) + (2 * 2) + (3 * Size)),
            () => _kernels.AdamW8Bit(trained, moments, places, FirstStep(), clip)
        );
    }

    private AdamWTensors TrainedTensors() =>
        new(zeros(Trained, device: _device), Gradients: Numbers(Trained), Totals: null, Copies: Numbers(Trained));

    private AdamWStep FirstStep() => new(Number: 1, LearningRate: 1e-4, WeightDecay: 0, Decayed: Trained);

    private Tensor Hidden() => Numbers(_shapes.Tokens, _shapes.Hidden);

    private Tensor Inner(int times = 1) => Numbers(_shapes.Tokens, times * _shapes.Inner);

    private Tensor Numbers(params long[] shape) => empty(shape, dtype: _kernels.Real, device: _device).normal_();

    private KernelBenchmarkResult Bandwidth(string kernel, double bytes, Action work)
    {
        double seconds = Best(work);
        return new KernelBenchmarkResult(kernel, Micro(seconds), Math.Round(bytes / seconds / 1e9), null);
    }

    private static double Micro(double seconds) => Math.Round(1e6 * seconds, 1);

    private double Best(Action work)
    {
        double best = double.MaxValue;
        for (int i = 0; i <= Repeats; i++) // the first one warms up
        {
            GpuBenchmark.Synchronize(_device);
            long started = Stopwatch.GetTimestamp();
            for (int k = 0; k < _times; k++)
            {
                work();
            }

            GpuBenchmark.Synchronize(_device);
            best = i == 0 ? best : Math.Min(best, Stopwatch.GetElapsedTime(started).TotalSeconds / _times);
        }

        return best;
    }
}

/// <summary>Shapes of a step's tensors.</summary>
/// <param name="Tokens">Rows of most tensors.</param>
/// <param name="Hidden">Their width.</param>
/// <param name="Inner">Width of the feed-forward.</param>
/// <param name="Vocabulary">Width of the logits.</param>
internal readonly record struct KernelShapes(long Tokens, long Hidden, long Inner, long Vocabulary);

/// <summary>One line of <c>bench kernels</c>.</summary>
/// <param name="Kernel">Its name; the first two are the ceilings.</param>
/// <param name="Us">Microseconds a call, best of five.</param>
/// <param name="GbS">Bytes read and written a second, in 10⁹; <c>null</c> for products.</param>
/// <param name="TflopS">For products, in 10¹²; <c>null</c> otherwise.</param>
internal sealed record KernelBenchmarkResult(string Kernel, double Us, double? GbS, double? TflopS);
