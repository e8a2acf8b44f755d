using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>An open GPU that passed the self-check: its kernels are compiled and agree with the reference.</summary>
public sealed class Accelerator : IDisposable
{
    private readonly Func<(long Free, long Total)> _memory;

    internal Accelerator(GpuKernels kernels, string summary, Func<(long Free, long Total)> memory)
    {
        (Kernels, Summary, _memory) = (kernels, summary, memory);
        FreeBytes = memory().Free;
    }

    /// <summary>The device of its tensors.</summary>
    public Device Device => Kernels.Device;

    /// <summary>The self-check's result, one line.</summary>
    public string Summary { get; }

    /// <summary>Bytes free when it was opened: the upper limit for this process.</summary>
    public long FreeBytes { get; }

    internal GpuKernels Kernels { get; }

    /// <summary>Free and total bytes; memory of other processes is not free.</summary>
    internal (long Free, long Total) Memory() => _memory();

    /// <summary>Opens the first GPU.</summary>
    /// <param name="computeType">What its kernels compute in: float32 for comparison with reference results;
    /// <c>null</c>: bfloat16, or float32 where the GPU has no bfloat16.</param>
    /// <exception cref="ModelException">There is no usable GPU; the message says why.</exception>
    public static Accelerator Open(ScalarType? computeType = null) => SelfCheck.Open(computeType);

    public void Dispose() => Kernels.Dispose();
}
