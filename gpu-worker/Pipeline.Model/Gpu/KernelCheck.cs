using Pipeline.Model.Optimization;
using Pipeline.Model.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>
/// Every kernel once against its definition, where it will run: at a start, a driver or compiler that miscomputes is
/// found before a company's data is.
/// </summary>
internal static class KernelCheck
{
    private const int Rows = 5;
    private const int Width = 264;
    private static readonly DropMask Mask = new(0.3, 77);

    /// <summary>Runs the kernels and their definitions.</summary>
    /// <param name="kernels">The kernels.</param>
    /// <param name="device">Where they run.</param>
    /// <returns>Of each kernel its largest relative error, and the most that rounding explains.</returns>
    public static IReadOnlyList<(string Kernel, double Error, double Allowed)> Run(GpuKernels kernels, Device device)
    {
        ArgumentNullException.ThrowIfNull(kernels);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable frozen = no_grad();
        double rounding = kernels.Real == ScalarType.Float32 ? 4e-6 : Math.Pow(2, -8);
        return
        [
            ("nf4_dequantize", Dequantize(kernels, device), rounding),
            ("nf4_matvec", Multiply(kernels, device), 4 * rounding),
            ("gather_rows", Gather(kernels, device), 0),
            ("rms_norm", RmsNorm(kernels, device), 4 * rounding),
            ("rotary", Rotary(kernels, device), rounding),
            ("swiglu", SwiGlu(kernels, device), 2 * rounding),
            ("dropout", Dropout(kernels, device), rounding),
            ("cross_entropy", CrossEntropy(kernels, device), 10 * rounding),
            ("adamw", AdamW(kernels, device), 4e-5),
            ("adamw_8bit", AdamW8Bit(kernels, device), 4e-5),
            ("sum_of_squares", SumOfSquares(kernels, device), 4e-5),
        ];
    }

    private static double Dequantize(GpuKernels kernels, Device device)
    {
        using Nf4Weight weight = Nf4Weight.Quantize(Numbers(ScalarType.Float32, CPU, 0.02, 40, 512));
        using Nf4Weight onDevice = weight.On(device);
        Tensor output = empty(40, 512, dtype: kernels.Real, device: device);
        kernels.Dequantize(onDevice, output);
        return Error(weight.Dequantize(), output);
    }

    private static double Multiply(GpuKernels kernels, Device device)
    {
        using Nf4Weight weight = Nf4Weight.Quantize(Numbers(ScalarType.Float32, CPU, 0.02, 40, Width));
        using Nf4Weight onDevice = weight.On(device);
        Tensor x = Numbers(kernels.Real, device, 1, Rows, Width),
            output = empty(Rows, 40, dtype: kernels.Real, device: device);
        kernels.Multiply(onDevice, x, output);
        return Error(Exact(x).mm(Exact(weight.Dequantize()).t()), output);
    }

    private static double Gather(GpuKernels kernels, Device device)
    {
        Tensor x = Numbers(kernels.Real, device, 1, Rows, Width),
            index = tensor((int[])[3, -1, 4], device: device),
            output = empty(3, Width, dtype: kernels.Real, device: device);
        kernels.Gather(x, index, output); // below 0: zeros
        return Error(stack([Exact(x)[3], zeros(Width, dtype: ScalarType.Float64), Exact(x)[4]]), output);
    }

    private static double RmsNorm(GpuKernels kernels, Device device)
    {
        Tensor x = Numbers(kernels.Real, device, 2, Rows, Width),
            w = Numbers(kernels.Real, device, 1, Width),
            gradient = Numbers(kernels.Real, device, 0.1, Rows, Width);
        (Tensor output, Tensor dropped, Tensor scales, Tensor back) = (
            empty_like(x),
            empty_like(x),
            empty(Rows, device: device),
            empty_like(x)
        );
        kernels.RmsNorm(x, w, 1e-5, output, scales, new NormFusion(Dropped: dropped, Mask: Mask));
        kernels.RmsNormBackward(new SavedNorm(x, w, scales), gradient, null, back, x, Mask);
        Tensor expected = KernelReference.RmsNorm(Exact(x), Exact(w), 1e-5).Output;
        Tensor expectedBack = KernelReference.RmsNormBackward(
            Exact(x),
            Exact(w),
            1e-5,
            Exact(gradient).add(Masked(Exact(x)))
        );
        return Worst(
            Error(expected, output),
            Error(Masked(expected), dropped),
            Error(expectedBack, back),
            NormOfASum(kernels, device, x, w, gradient)
        );
    }

    /// <summary>
    /// The form within a block: two rows are added and kept, and the derivative comes onto a residual's.
    /// </summary>
    private static double NormOfASum(GpuKernels kernels, Device device, Tensor x, Tensor w, Tensor gradient)
    {
        Tensor added = Numbers(kernels.Real, device, 1, Rows, Width).flip(0).contiguous(),
            exactAdded = Exact(added);
        (Tensor output, Tensor scales, Tensor back) = (empty_like(x), empty(Rows, device: device), empty_like(x));
        kernels.RmsNorm(x, w, 1e-5, output, scales, new NormFusion(Added: added, Sum: added));
        kernels.RmsNormBackward(new SavedNorm(added, w, scales), gradient, x, back);
        Tensor kept = Exact(added); // rounded: what the derivative is taken at
        return Worst(
            Error(Exact(x).add(exactAdded), added),
            Error(KernelReference.RmsNorm(kept, Exact(w), 1e-5).Output, output),
            Error(KernelReference.RmsNormBackward(kept, Exact(w), 1e-5, Exact(gradient)).add(Exact(x)), back)
        );
    }

    private static double Rotary(GpuKernels kernels, Device device)
    {
        Tensor x = Numbers(kernels.Real, device, 1, Rows, 3 * 32);
        Tensor angles = arange(Rows, dtype: ScalarType.Float32, device: device)
            .unsqueeze(1)
            .mul(linspace(0.1, 1, 16, device: device));
        Tensor positions = arange(Rows, dtype: ScalarType.Int32, device: device).flip(0);
        Tensor expected = KernelReference
            .Rotate(
                Exact(x).view(Rows, 3, 32),
                positions.to(ScalarType.Int64).cpu(),
                Exact(angles.cos()),
                Exact(angles.sin())
            )
            .view(Rows, 3 * 32);
        Tensor expectedBack = KernelReference
            .Rotate(
                Exact(x).view(Rows, 3, 32),
                positions.to(ScalarType.Int64).cpu(),
                Exact(angles.cos()),
                Exact(angles.sin().neg())
            )
            .view(Rows, 3 * 32);
        Tensor rotatedBack = x.clone();
        kernels.Rotate(x, 3, 32, new RotaryAngles(positions, angles.cos(), angles.sin()), backward: false);
        kernels.Rotate(rotatedBack, 3, 32, new RotaryAngles(positions, angles.cos(), angles.sin()), backward: true);
        return Worst(Error(expected, x), Error(expectedBack, rotatedBack));
    }

    private static double SwiGlu(GpuKernels kernels, Device device)
    {
        Tensor gateUp = Numbers(kernels.Real, device, 2, Rows, 2 * Width),
            gradient = Numbers(kernels.Real, device, 0.1, Rows, Width),
            dxLora = Numbers(kernels.Real, device, 0.3, Rows, Width);
        (Tensor output, Tensor dropped) = (empty_like(gradient), empty_like(gradient));
        (Tensor expected, Tensor expectedBack) = (
            KernelReference.SwiGlu(Exact(gateUp)),
            KernelReference.SwiGluBackward(Exact(gateUp), Exact(gradient).add(Masked(Exact(dxLora))))
        );
        kernels.SwiGlu(gateUp, output, dropped, Mask);
        kernels.SwiGluBackward(gateUp, gradient, dxLora, Mask);
        return Worst(
            Error(expected, output),
            Error(Masked(expected), dropped),
            Error(Masked(expected), gradient),
            Error(expectedBack, gateUp)
        );
    }

    private static double Dropout(GpuKernels kernels, Device device)
    {
        Tensor x = Numbers(kernels.Real, device, 1, Rows, Width),
            output = empty_like(x),
            onto = x.clone();
        kernels.Dropout(x, output, Mask, onto: false);
        kernels.Dropout(x, onto, Mask, onto: true);
        return Worst(Error(Masked(Exact(x)), output), Error(Masked(Exact(x)).add(Exact(x)), onto));
    }

    private static double CrossEntropy(GpuKernels kernels, Device device)
    {
        Tensor logits = Numbers(kernels.Real, device, 3, Rows, Width),
            targets = arange(Rows, dtype: ScalarType.Int32, device: device).mul(37),
            losses = empty(Rows, device: device);
        (Tensor expected, Tensor derivative) = KernelReference.CrossEntropy(
            Exact(logits).narrow(1, 0, Width - 3),
            targets.cpu().to(ScalarType.Int64),
            0.5
        );
        kernels.CrossEntropy(logits, Width - 3, targets, losses, 0.5);
        return Math.Max(Error(expected, losses), Error(derivative, logits.narrow(1, 0, Width - 3)));
    }

    /// <summary>A step of a rounded gradient, then one of a sum in float32, halved by the clip.</summary>
    private static double AdamW(GpuKernels kernels, Device device)
    {
        Tensor values = Numbers(ScalarType.Float32, device, 0.1, Width),
            gradients = Numbers(kernels.Real, device, 0.1, Width),
            copies = empty(Width, dtype: kernels.Real, device: device);
        Tensor totals = Numbers(ScalarType.Float32, device, 0.2, Width).flip(0).contiguous(),
            exactTotals = Exact(totals);
        (Tensor first, Tensor second) = (zeros(Width, device: device), zeros(Width, device: device));
        (Tensor exact, Tensor exactFirst, Tensor exactSecond) = (
            Exact(values),
            zeros(Width, dtype: ScalarType.Float64),
            zeros(Width, dtype: ScalarType.Float64)
        );
        var step = new AdamWStep(1, 1e-3, 0.01, Width);
        AdamWStep next = step with { Number = 2 };
        KernelReference.AdamW(exact, exactFirst, exactSecond, Exact(gradients), step, 1);
        KernelReference.AdamW(exact, exactFirst, exactSecond, exactTotals, next, 0.5);
        var trained = new AdamWTensors(values, gradients, null, copies);
        kernels.AdamW(trained, first, second, step, ones(1, device: device));
        kernels.AdamW(trained with { Totals = totals }, first, second, next, full(1, 0.5, device: device));
        return Worst(
            Error(exact, values),
            Error(exactFirst, first),
            Error(exactSecond, second),
            totals.count_nonzero().item<long>()
        );
    }

    /// <summary>Two steps: the second begins at the moments that the first has written in 8 bits.</summary>
    private static double AdamW8Bit(GpuKernels kernels, Device device)
    {
        using var moments = new BlockwiseMoments([(Width, true)], device);
        Tensor values = Numbers(ScalarType.Float32, device, 0.1, Width),
            gradients = Numbers(kernels.Real, device, 0.1, Width),
            places = tensor(moments.Places, device: device);
        Tensor next = gradients.flip(0).contiguous();
        double worst = 0;
        foreach ((int index, Tensor gradient) in ((Tensor[])[gradients, next]).Index())
        {
            (Tensor first, Tensor second) = (
                Moment(moments, "first", DynamicCode.OfBothSigns()),
                Moment(moments, "second", DynamicCode.OfPositives())
            );
            (Tensor exact, Tensor dW, int step) = (Exact(values), Exact(gradient), index + 1);
            first = first.mul(0.9).add(dW.mul(0.1));
            second = second.mul(0.999).add(dW.square().mul(0.001));
            Tensor direction = first
                .div(1 - Math.Pow(0.9, step))
                .div(second.div(1 - Math.Pow(0.999, step)).sqrt().add(1e-8));
            kernels.AdamW8Bit(
                new AdamWTensors(values, gradient, null, null),
                moments,
                places,
                new AdamWStep(step, 1e-3, 0.01, Width),
                ones(1, device: device)
            );
            worst = Math.Max(worst, Error(exact.sub(direction.mul(1e-3)).mul(1 - (1e-3 * 0.01)), values));
        }

        return worst;
    }

    /// <summary>A moment as its codes have it, in float64.</summary>
    private static Tensor Moment(BlockwiseMoments moments, string name, float[] code)
    {
        Tensor StateOf(string part) => moments.State.First(s => s.Name == $"{name}_{part}").Value.cpu();
        Tensor absmax = StateOf("absmax")
            .to(ScalarType.Float64)
            .repeat_interleave(BlockwiseMoments.BlockSize)
            .narrow(0, 0, Width);
        return tensor(code, dtype: ScalarType.Float64)
            .index_select(0, StateOf("codes").to(ScalarType.Int64))
            .mul(absmax);
    }

    private static double SumOfSquares(GpuKernels kernels, Device device)
    {
        Tensor x = Numbers(kernels.Real, device, 1, Rows, Width),
            sums = empty(3, device: device);
        kernels.SumOfSquares(x, sums);
        return Error(Exact(x).square().sum(), sums.sum());
    }

    private static Tensor Numbers(ScalarType real, Device device, double size, params long[] shape)
    {
        using var generator = new Generator(2026);
        return randn(shape, generator: generator).mul_(size).to(real).to(device);
    }

    private static Tensor Masked(Tensor exact) => KernelReference.Dropout(exact, Mask.Probability, Mask.Seed);

    private static double Worst(params ReadOnlySpan<double> errors)
    {
        double worst = 0;
        foreach (double error in errors)
        {
            worst = Math.Max(worst, error);
        }

        return worst;
    }

    private static Tensor Exact(Tensor values) => values.cpu().to(ScalarType.Float64);

    /// <summary>The largest difference over the number's own size and that of all together.</summary>
    private static double Error(Tensor expected, Tensor actual)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor exact = Exact(expected);
        double error = Exact(actual).sub(exact).abs().div(exact.abs().add(exact.abs().mean())).max().item<double>();
        return double.IsNaN(error) ? double.PositiveInfinity : error;
    }
}
