using Pipeline.Model.Quantization;
using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

// What reads the matrices: products with NF4 codes, and rows where they are wanted.
internal sealed partial class GpuKernels
{
    /// <summary>Rows that <see cref="Multiply"/> takes at a time.</summary>
    public const int RowsAProduct = 8;

    /// <summary>A matrix in NF4 to numbers.</summary>
    /// <param name="weight">Its codes on the device; values a multiple of eight.</param>
    /// <param name="output">As many numbers, contiguous.</param>
    public void Dequantize(Nf4Weight weight, Tensor output)
    {
        long packs = Packs(output);
        Require(weight.Count == output.NumberOfElements, "as many numbers as the matrix has");
        LaunchElementwise(
            "nf4_dequantize",
            packs,
            [weight.Codes, weight.Absmax, weight.AbsmaxScale, _absmaxCode, weight.Offset, output, packs]
        );
    }

    /// <summary>A few rows times a matrix in NF4, whose values are never written.</summary>
    /// <param name="weight">[outputs, in] on the device.</param>
    /// <param name="input">[rows, in].</param>
    /// <param name="output">[rows, outputs], or part of the columns of a wider matrix.</param>
    public void Multiply(Nf4Weight weight, Tensor input, Tensor output)
    {
        ArgumentNullException.ThrowIfNull(weight);
        (long rows, int packs) = Rows(input);
        (long outputs, long stride) = (weight.Shape[0], output.stride(0));
        Require(
            weight.Shape[1] == input.shape[1]
                && output.dtype == Real
                && output.shape.SequenceEqual([rows, outputs])
                && (outputs == 1 || output.stride(1) == 1),
            "an input of the matrix' width and a row of its outputs for each"
        );
        for (long first = 0; first < rows; first += RowsAProduct)
        {
            int count = (int)Math.Min(RowsAProduct, rows - first);
            using Tensor x = input.narrow(0, first, count),
                y = output.narrow(0, first, count);
            _launcher.Launch(
                "nf4_matvec",
                Math.Clamp((outputs + WarpsABlock - 1) / WarpsABlock, 1, _launcher.MaxBlocks),
                Threads,
                [
                    weight.Codes,
                    weight.Absmax,
                    weight.AbsmaxScale,
                    _absmaxCode,
                    weight.Offset,
                    x,
                    y,
                    count,
                    packs,
                    (int)outputs,
                    stride,
                ]
            );
        }
    }

    /// <summary>Puts rows where they are wanted.</summary>
    /// <param name="input">[rows, width], or part of the columns of a wider matrix.</param>
    /// <param name="index">int32 [wanted]: the row of the input, or below 0 for zeros.</param>
    /// <param name="output">[wanted, width], likewise.</param>
    public void Gather(Tensor input, Tensor index, Tensor output)
    {
        (long rows, long width) = (output.shape[0], output.shape[1]);
        long packs = width / NumbersAPack,
            count = rows * packs;
        bool IsPart(Tensor t) =>
            t.dtype == Real
            && t.dim() == 2
            && t.shape[1] == width
            && t.stride(1) == 1
            && t.stride(0) % NumbersAPack == 0
            && KernelArgument.Address(t) % 16 == 0;
        Require(
            width % NumbersAPack == 0
                && IsPart(input)
                && IsPart(output)
                && index.dtype == ScalarType.Int32
                && index.NumberOfElements == rows
                && count <= uint.MaxValue,
            "rows of one width that is a multiple of eight, from a multiple of 16 bytes on, and an index a row"
        );
        LaunchElementwise(
            "gather_rows",
            count,
            [input, input.stride(0) / NumbersAPack, output, output.stride(0) / NumbersAPack, index, (int)packs, count]
        );
    }
}
