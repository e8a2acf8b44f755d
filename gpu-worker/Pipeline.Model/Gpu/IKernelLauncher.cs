using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>Runs compiled kernels.</summary>
internal interface IKernelLauncher : IDisposable
{
    /// <summary>The numbers of tensors that the kernels were compiled for: bfloat16, or float32.</summary>
    ScalarType Real { get; }

    /// <summary>Blocks that fill the device.</summary>
    int MaxBlocks { get; }

    /// <summary>Puts a kernel on torch's stream.</summary>
    /// <param name="kernel">Its name.</param>
    /// <param name="blocks">Blocks.</param>
    /// <param name="threads">Threads a block, whole warps.</param>
    /// <param name="arguments">In the kernel's order.</param>
    void Launch(string kernel, long blocks, int threads, ReadOnlySpan<KernelArgument> arguments);
}
