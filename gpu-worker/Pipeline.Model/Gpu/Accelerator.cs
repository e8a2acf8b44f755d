using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>A GPU that was looked at, with its kernels compiled and held against their definitions.</summary>
public sealed class Accelerator : IDisposable
{
    private readonly Func<(long Free, long Total)> _memory;

    internal Accelerator(GpuKernels kernels, string line, Func<(long Free, long Total)> memory)
    {
        (Kernels, Line, _memory) = (kernels, line, memory);
        FreeBytes = memory().Free;
    }

    /// <summary>Where tensors lie.</summary>
    public Device Device => Kernels.Device;

    /// <summary>What the look at it gave.</summary>
    public string Line { get; }

    /// <summary>Memory that was free when it was opened: what this process may use in all.</summary>
    public long FreeBytes { get; }

    internal GpuKernels Kernels { get; }

    /// <summary>Bytes that are free now, and all; what others hold is not free.</summary>
    internal (long Free, long Total) Memory() => _memory();

    /// <summary>Opens the first GPU.</summary>
    /// <param name="real">The numbers that its kernels compute on: float32 to be held against references; <c>null</c>:
    /// bfloat16, or float32 where the GPU has no bfloat16.</param>
    /// <exception cref="ModelException">There is none that does the work; one line says why.</exception>
    public static Accelerator Open(ScalarType? real = null) => SelfCheck.Open(real);

    public void Dispose() => Kernels.Dispose();
}
