using System.Diagnostics;
using Pipeline.Model.Gpu;
using Pipeline.Model.Optimization;
using Pipeline.Model.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Worker.Benchmarks;

/// <summary>Each kernel on the tensors of a step, beside what copying and multiplying reach in the same run.</summary>
internal static class KernelBenchmark
{
    private const int Repeats = 5;

    /// <summary>Times the kernels.</summary>
    /// <param name="kernels">The kernels.</param>
    /// <param name="device">Where.</param>
    /// <param name="tokens">Rows of most tensors.</param>
    /// <param name="hidden">Their width.</param>
    /// <param name="inner">Width of the feed-forward.</param>
    /// <param name="vocabulary">Width of the logits.</param>
    /// <param name="times">Calls between two looks at the clock.</param>
    public static IEnumerable<KernelBenchmarkResult> Run(
        GpuKernels kernels,
        Device device,
        long tokens,
        long hidden,
        long inner,
        long vocabulary,
        int times
    )
    {
        using IDisposable frozen = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor Numbers(params long[] shape) => empty(shape, dtype: kernels.Real, device: device).normal_();
        double size = Numbers(1).ElementSize;
        (Tensor x, Tensor y, Tensor z) = (Numbers(tokens, hidden), Numbers(tokens, hidden), Numbers(tokens, hidden));
        (Tensor weight, Tensor scales) = (Numbers(hidden), ones(tokens, device: device));
        (Tensor gateUp, Tensor gated, Tensor other) = (
            Numbers(tokens, 2 * inner),
            Numbers(tokens, inner),
            Numbers(tokens, inner)
        );
        var mask = new DropMask(0.1, 1);
        double rows = tokens * hidden * size,
            wide = tokens * inner * size;

        Tensor left = Numbers(tokens, hidden),
            right = Numbers(inner, hidden),
            product = Numbers(tokens, inner);
        double multiply = Best(device, times, () => product.addmm_(left, right.t(), 0, 1));
        yield return new KernelBenchmarkResult(
            "matrix product",
            Micro(multiply),
            null,
            Math.Round(2.0 * tokens * hidden * inner / multiply / 1e12, 1)
        );
        Tensor source = Numbers(64 * tokens, hidden / 8),
            target = empty_like(source);
        yield return Bandwidth(
            "copy",
            2 * source.NumberOfElements * size,
            Best(device, times, () => target.copy_(source))
        );

        using Nf4Weight codes = new(
            [inner, hidden],
            randint(0, 256, inner * hidden / 2, dtype: ScalarType.Byte, device: device),
            randint(0, 256, inner * hidden / 64, dtype: ScalarType.Byte, device: device),
            ones((inner * hidden / 64 / 256) + 1, device: device),
            0.1f
        );
        yield return Bandwidth(
            "nf4_dequantize",
            codes.Bytes + (inner * hidden * size),
            Best(device, times, () => kernels.Dequantize(codes, right))
        );
        foreach (int asked in (int[])[1, 8])
        {
            (Tensor few, Tensor answers) = (Numbers(asked, hidden), Numbers(asked, inner));
            yield return Bandwidth(
                $"nf4_matvec of {asked}",
                codes.Bytes,
                Best(device, times, () => kernels.Multiply(codes, few, answers))
            );
        }

        yield return Bandwidth(
            "rms_norm_forward",
            2 * rows,
            Best(device, times, () => kernels.RmsNorm(x, weight, 1e-5, y, scales))
        );
        yield return Bandwidth(
            "rms_norm_forward, some dropped",
            3 * rows,
            Best(device, times, () => kernels.RmsNorm(x, weight, 1e-5, y, scales, dropped: z, mask: mask))
        );
        yield return Bandwidth(
            "rms_norm_forward of a sum",
            4 * rows,
            Best(device, times, () => kernels.RmsNorm(x, weight, 1e-5, y, scales, added: z, sum: z))
        );
        yield return Bandwidth(
            "rms_norm_backward",
            4 * rows,
            Best(device, times, () => kernels.RmsNormBackward(x, weight, scales, y, z, z))
        );
        yield return Bandwidth(
            "rms_norm_backward, some dropped",
            5 * rows,
            Best(device, times, () => kernels.RmsNormBackward(x, weight, scales, y, z, z, left, mask))
        );
        const int HeadSize = 128;
        int heads = (int)Math.Max(1, hidden / HeadSize),
            headSize = (int)Math.Min(HeadSize, hidden);
        Tensor positions = arange(tokens, dtype: ScalarType.Int32, device: device),
            angles = ones(tokens, headSize / 2, device: device);
        yield return Bandwidth(
            "rotary",
            2 * rows,
            Best(device, times, () => kernels.Rotate(x, heads, headSize, positions, angles, angles, backward: false))
        );
        yield return Bandwidth("swiglu_forward", 3 * wide, Best(device, times, () => kernels.SwiGlu(gateUp, gated)));
        yield return Bandwidth(
            "swiglu_backward",
            6 * wide,
            Best(device, times, () => kernels.SwiGluBackward(gateUp, gated))
        );
        yield return Bandwidth(
            "swiglu_forward, some dropped",
            4 * wide,
            Best(device, times, () => kernels.SwiGlu(gateUp, gated, other, mask))
        );
        yield return Bandwidth(
            "swiglu_backward, some dropped",
            7 * wide,
            Best(device, times, () => kernels.SwiGluBackward(gateUp, gated, other, mask))
        );
        Tensor reversed = arange(tokens - 1, -1, -1, dtype: ScalarType.Int32, device: device);
        yield return Bandwidth("gather_rows", 2 * rows, Best(device, times, () => kernels.Gather(x, reversed, y)));
        yield return Bandwidth(
            "dropout",
            2 * rows,
            Best(device, times, () => kernels.Dropout(x, y, mask, onto: false))
        );
        long lossRows = Math.Min(tokens, 2048);
        (Tensor logits, Tensor targets, Tensor losses) = (
            Numbers(lossRows, vocabulary),
            zeros(lossRows, dtype: ScalarType.Int32, device: device),
            empty(lossRows, device: device)
        );
        yield return Bandwidth(
            "cross_entropy",
            3 * logits.NumberOfElements * size,
            Best(device, times, () => kernels.CrossEntropy(logits, (int)vocabulary, targets, losses, 1))
        );
        long trained = 16 * tokens * hidden / 8;
        Tensor[] state =
        [
            zeros(trained, device: device),
            zeros(trained, device: device),
            zeros(trained, device: device),
        ];
        (Tensor gradients, Tensor copies, Tensor clip, Tensor sums) = (
            Numbers(trained),
            Numbers(trained),
            ones(1, device: device),
            zeros(1024, device: device)
        );
        yield return Bandwidth(
            "sum_of_squares",
            trained * size,
            Best(device, times, () => kernels.SumOfSquares(gradients, sums))
        );
        yield return Bandwidth(
            "adamw",
            trained * ((6 * 4) + (3 * size)),
            Best(
                device,
                times,
                () => kernels.AdamW(state[0], state[1], state[2], gradients, null, copies, trained, 1, 1e-4, 0, clip)
            )
        );
        using var moments = new BlockwiseMoments([(trained, true)], device);
        Tensor places = tensor(moments.Places, device: device);
        yield return Bandwidth(
            "adamw_8bit",
            trained * ((2 * 4) + (2 * 2) + (3 * size)),
            Best(
                device,
                times,
                () => kernels.AdamW8Bit(state[0], gradients, null, copies, moments, places, trained, 1, 1e-4, 0, clip)
            )
        );
    }

    private static KernelBenchmarkResult Bandwidth(string kernel, double bytes, double seconds) =>
        new(kernel, Micro(seconds), Math.Round(bytes / seconds / 1e9), null);

    private static double Micro(double seconds) => Math.Round(1e6 * seconds, 1);

    private static double Best(Device device, int times, Action work)
    {
        double best = double.MaxValue;
        for (int i = 0; i <= Repeats; i++) // the first one warms up
        {
            GpuBenchmark.Synchronize(device);
            long started = Stopwatch.GetTimestamp();
            for (int k = 0; k < times; k++)
            {
                work();
            }

            GpuBenchmark.Synchronize(device);
            best = i == 0 ? best : Math.Min(best, Stopwatch.GetElapsedTime(started).TotalSeconds / times);
        }

        return best;
    }
}

/// <summary>One line of <c>bench kernels</c>.</summary>
/// <param name="Kernel">Its name; the first two are the ceilings.</param>
/// <param name="Us">Microseconds a call, best of five.</param>
/// <param name="GbS">Bytes read and written a second, in 10⁹; <c>null</c> for products.</param>
/// <param name="TflopS">For products, in 10¹²; <c>null</c> otherwise.</param>
internal sealed record KernelBenchmarkResult(string Kernel, double Us, double? GbS, double? TflopS);
