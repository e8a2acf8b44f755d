using Pipeline.Model.Quantization;
using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>
/// The kernels of a decoder block, each on tensors whose shapes were looked at. Matrices are [rows, width] with widths
/// that are multiples of eight; all are of the launcher's numbers unless said otherwise. Definitions:
/// <see cref="KernelReference"/>.
/// </summary>
internal sealed partial class GpuKernels : IDisposable
{
    private const int Threads = 256;
    private const int NumbersAPack = 8;
    private const int WarpsABlock = Threads / 32;
    private readonly IKernelLauncher _launcher;
    private readonly Tensor _absmaxCode; // float32 [256]
    private readonly Tensor _positives; // float32 [256]

    /// <summary>On a device.</summary>
    /// <param name="launcher">Runs them; owned.</param>
    /// <param name="device">Where the tensors lie.</param>
    public GpuKernels(IKernelLauncher launcher, Device device)
    {
        _launcher = launcher;
        Device = device;
        _absmaxCode = tensor(DynamicCode.OfBothSigns(), device: device).DetachFromDisposeScope();
        _positives = tensor(DynamicCode.OfPositives(), device: device).DetachFromDisposeScope();
    }

    /// <summary>Where the tensors lie.</summary>
    public Device Device { get; }

    /// <summary>The numbers that the tensors hold.</summary>
    public ScalarType Real => _launcher.Real;

    public void Dispose()
    {
        _absmaxCode.Dispose();
        _positives.Dispose();
        _launcher.Dispose();
    }

    private void LaunchElementwise(string kernel, long work, ReadOnlySpan<KernelArgument> arguments) =>
        _launcher.Launch(
            kernel,
            Math.Clamp((work + Threads - 1) / Threads, 1, _launcher.MaxBlocks),
            Threads,
            arguments
        );

    private (long Rows, int Packs) Rows(Tensor matrix)
    {
        Packs(matrix);
        Require(
            matrix.dim() == 2 && matrix.shape[1] % NumbersAPack == 0,
            "a matrix whose width is a multiple of eight"
        );
        return (matrix.shape[0], (int)(matrix.shape[1] / NumbersAPack));
    }

    private long Packs(Tensor values)
    {
        Require(
            values.dtype == Real
                && values.is_contiguous()
                && values.NumberOfElements % NumbersAPack == 0
                && KernelArgument.Address(values) % 16 == 0,
            $"contiguous {Real} numbers, a multiple of eight, from a multiple of 16 bytes on"
        );
        return values.NumberOfElements / NumbersAPack;
    }

    private void Same(Tensor one, params ReadOnlySpan<Tensor?> others)
    {
        foreach (Tensor? other in others)
        {
            Require(
                other is null || (other.dtype == Real && other.is_contiguous() && other.shape.SequenceEqual(one.shape)),
                "tensors of one shape"
            );
        }
    }

    private static bool Floats(long count, params ReadOnlySpan<Tensor?> tensors) =>
        All(tensors, ScalarType.Float32, count);

    private bool Reals(long count, params ReadOnlySpan<Tensor?> tensors) => All(tensors, Real, count);

    private static bool All(ReadOnlySpan<Tensor?> tensors, ScalarType type, long count)
    {
        foreach (Tensor? tensor in tensors)
        {
            if (
                tensor is not null
                && (tensor.dtype != type || tensor.NumberOfElements != count || !tensor.is_contiguous())
            )
            {
                return false;
            }
        }

        return true;
    }

    private static void Require(bool holds, string what)
    {
        if (!holds)
        {
            throw new ArgumentException($"The kernel takes {what}.");
        }
    }
}
