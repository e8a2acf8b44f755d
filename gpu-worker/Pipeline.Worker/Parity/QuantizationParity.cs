using System.Text.Json;
using Pipeline.Model.Checkpoints;
using Pipeline.Model.Gpu;
using Pipeline.Model.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Worker.Parity;

/// <summary>
/// NF4 with double quantisation: levels, codes, absmax and dequantised values, for fp32 and bf16 input.
/// </summary>
internal static class QuantizationParity
{
    private const float BoundaryMargin = 1e-6f;

    public static IReadOnlyList<ParityResult> Check(string folder, string name, Accelerator? gpu)
    {
        using JsonDocument meta = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "meta.json")));
        float[] levels = [.. meta.RootElement.GetProperty("nf4_code").EnumerateArray().Select(v => v.GetSingle())];
        var results = new List<ParityResult>
        {
            new(name, "levels that differ", levels.Zip(Nf4.Levels.ToArray()).Count(p => p.First != p.Second), 0),
        };
        foreach (string path in Directory.EnumerateFiles(folder, "*.safetensors").Order(StringComparer.Ordinal))
        {
            using DisposeScope scope = NewDisposeScope();
            using SafetensorsFile file = SafetensorsFile.Open(path);
            string matrix = $"{name}/{Path.GetFileNameWithoutExtension(path)}";
            results.AddRange(Check(file, matrix, "fp32", ScalarType.Float32, gpu));
            results.AddRange(Check(file, matrix, "bf16", ScalarType.BFloat16, gpu));
        }

        return results;
    }

    private static IEnumerable<ParityResult> Check(
        SafetensorsFile file,
        string matrix,
        string tag,
        ScalarType dtype,
        Accelerator? gpu
    )
    {
        Tensor weight = file.Read("weight").to(dtype).to(ScalarType.Float32);
        using Nf4Weight quantized = Nf4Weight.Quantize(weight);
        float[] values = weight.data<float>().ToArray();
        var codes = new byte[(values.Length + 1) / 2];
        var absmax = new float[(values.Length + Nf4.BlockSize - 1) / Nf4.BlockSize];
        Nf4Quantizer.Quantize(values, codes, absmax);

        yield return new(
            matrix,
            $"{tag} codes that differ",
            CodesThatDiffer(codes, file.Read($"{tag}.codes").data<byte>().ToArray(), values, absmax),
            0
        );
        yield return new(matrix, $"{tag} absmax, absolute", Largest(tensor(absmax), file.Read($"{tag}.absmax")), 0);
        yield return new(
            matrix,
            $"{tag} 8-bit code, absolute",
            Largest(tensor(DynamicCode.OfBothSigns()), file.Read($"{tag}.dq.absmax_code")),
            1e-7
        );
        yield return new(
            matrix,
            $"{tag} absmax codes that differ",
            quantized.Absmax.ne(file.Read($"{tag}.dq.absmax_u8").reshape(-1)).sum().item<long>(),
            0
        );
        yield return new(
            matrix,
            $"{tag} absmax scales, absolute",
            Largest(quantized.AbsmaxScale, file.Read($"{tag}.dq.absmax_scale")),
            1e-6
        );
        yield return new(
            matrix,
            $"{tag} offset, absolute",
            Math.Abs(quantized.Offset - file.Read($"{tag}.dq.offset").item<float>()),
            1e-6
        );
        foreach (ParityResult result in Dequantized(file, quantized, matrix, tag, dtype, gpu))
        {
            yield return result;
        }
    }

    /// <summary>The dequantised values, by each way that there is on this machine.</summary>
    private static IEnumerable<ParityResult> Dequantized(
        SafetensorsFile file,
        Nf4Weight quantized,
        string matrix,
        string tag,
        ScalarType dtype,
        Accelerator? gpu
    )
    {
        Tensor dequantized = quantized.Dequantize();
        double Off(Tensor values) =>
            Largest(values.to(dtype).to(ScalarType.Float32), file.Read($"{tag}.dq.dequantized"));
        double allowed = dtype == ScalarType.Float32 ? 1e-6 : 0;
        yield return new(matrix, $"{tag} dequantised, absolute", Off(dequantized), allowed);
        if (gpu is not null)
        {
            using Nf4Weight onDevice = quantized.On(gpu.Device);
            yield return new(
                matrix,
                $"{tag} dequantised by plain torch, absolute",
                Off(onDevice.DequantizeByTorch().cpu()),
                allowed
            );
            if (quantized.Count % 8 == 0)
            {
                Tensor made = empty([.. quantized.Shape], dtype: gpu.Kernels.Real, device: gpu.Device);
                gpu.Kernels.Dequantize(onDevice, made);
                yield return new(matrix, $"{tag} dequantised by the kernel, absolute", Off(made.cpu()), allowed);
            }
        }
    }

    /// <summary>Codes that differ, but for values within a hair of a boundary.</summary>
    private static int CodesThatDiffer(byte[] codes, byte[] expected, float[] values, float[] absmax)
    {
        int differ = Math.Abs(codes.Length - expected.Length);
        for (int i = 0; i < values.Length; i++)
        {
            int shift = i % 2 == 0 ? 4 : 0;
            float value = values[i] / absmax[i / Nf4.BlockSize];
            if (
                ((codes[i / 2] >> shift) & 15) != ((expected[i / 2] >> shift) & 15)
                && Nf4.Boundaries.ToArray().Min(b => MathF.Abs(b - value)) > BoundaryMargin
            )
            {
                differ++;
            }
        }

        return differ;
    }

    private static double Largest(Tensor actual, Tensor expected) =>
        actual.reshape(-1).sub(expected.reshape(-1)).abs().max().item<float>();
}
