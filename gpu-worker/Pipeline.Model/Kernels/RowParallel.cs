using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Pipeline.Model.Kernels;

/// <summary>Row-wise work on float32 matrices on the CPU, divided among as many threads as torch uses.</summary>
internal static class RowParallel
{
    private const long ElementsAThread = 1 << 14; // below this a thread costs more than it brings

    /// <summary>Calls <paramref name="work"/> with ranges of rows that together are all of them.</summary>
    public static void For(long rows, long columns, Action<int, int> work)
    {
        int parts = (int)Math.Clamp(rows * columns / ElementsAThread, 1, get_num_threads());
        if (parts == 1)
        {
            work(0, (int)rows);
            return;
        }

        void Part(int part) => work((int)(rows * part / parts), (int)(rows * (part + 1) / parts));
        if (OpenMpTeam.IsThere)
        {
            OpenMpTeam.Run(parts, Part);
        }
        else
        {
            Parallel.For(0, parts, Part);
        }
    }

    /// <summary>The numbers of a contiguous float32 tensor, in place.</summary>
    public static Span<float> Floats(Tensor tensor) => MemoryMarshal.Cast<byte, float>(tensor.bytes);
}
