using System.Text.Json;
using System.Text.Json.Nodes;
using Pipeline.Contracts;
using Pipeline.Model.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Checkpoints;

/// <summary>
/// A matrix in NF4 as tensors of a checkpoint, in the layout that transformers writes and reads for bitsandbytes: the
/// codes under the weight's own name, beside them <c>.absmax</c>, <c>.nested_absmax</c>, the two code tables and a JSON
/// text with shape and offset. Source: bitsandbytes <c>functional.py</c> (QuantState.as_dict, packed).
/// </summary>
public static class QuantizedTensors
{
    private const string State = ".quant_state.bitsandbytes__nf4";

    /// <summary>The tensors of a weight, each made when it is written.</summary>
    /// <param name="name">The weight's name, such as <c>model.layers.0.mlp.up_proj.weight</c>.</param>
    /// <param name="weight">The weight.</param>
    /// <param name="dtype">What it was before: <c>float32</c>, <c>float16</c>, <c>bfloat16</c>.</param>
    public static IReadOnlyList<CheckpointTensor> Write(string name, Nf4Weight weight, string dtype)
    {
        ArgumentNullException.ThrowIfNull(weight);
        float[] nested = DynamicCode.OfBothSigns();
        byte[] state = JsonSerializer.SerializeToUtf8Bytes(
            new JsonObject
            {
                ["quant_type"] = "nf4",
                ["blocksize"] = Nf4.BlockSize,
                ["dtype"] = dtype,
                ["shape"] = new JsonArray([.. weight.Shape.Select(s => (JsonNode)s)]),
                ["nested_blocksize"] = Nf4.NestedBlockSize,
                ["nested_dtype"] = "float32",
                ["nested_offset"] = weight.Offset,
            }
        );
        return
        [
            new(name, ScalarType.Byte, [weight.Codes.NumberOfElements, 1], () => weight.Codes.view(-1, 1)),
            new(name + ".absmax", ScalarType.Byte, weight.Absmax.shape, () => weight.Absmax.alias()),
            new(
                name + ".nested_absmax",
                ScalarType.Float32,
                weight.AbsmaxScale.shape,
                () => weight.AbsmaxScale.alias()
            ),
            new(name + ".nested_quant_map", ScalarType.Float32, [nested.Length], () => tensor(nested)),
            new(name + ".quant_map", ScalarType.Float32, [Nf4.Levels.Length], () => tensor(Nf4.Levels.ToArray())),
            new(name + State, ScalarType.Byte, [state.Length], () => tensor(state)),
        ];
    }

    /// <summary>Reads a weight and holds it against its shape and our tables.</summary>
    /// <exception cref="ModelException">Missing, of another shape, or quantised otherwise.</exception>
    public static Nf4Weight Read(string name, long outputs, long inputs, Func<string, Tensor> read)
    {
        ArgumentNullException.ThrowIfNull(read);
        using DisposeScope scope = NewDisposeScope();
        try
        {
            return Read(name, outputs, inputs, Parse(name, read(name + State)), read);
        }
        catch (Exception fault)
            when (fault
                    is KeyNotFoundException
                        or InvalidOperationException
                        or FormatException
                        or OverflowException
                        or ArgumentException
            )
        {
            throw new ModelException(
                $"'{name}{State}' does not describe NF4 with double quantisation: {InputFile.OneLine(fault.Message)}",
                fault
            );
        }
    }

    private static Nf4Weight Read(string name, long outputs, long inputs, JsonElement state, Func<string, Tensor> read)
    {
        float offset = state.GetProperty("nested_offset").GetSingle();
        long[] shape = [.. state.GetProperty("shape").EnumerateArray().Select(s => s.GetInt64())];
        Tensor codes = read(name).reshape(-1);
        Tensor absmax = read(name + ".absmax").reshape(-1);
        Tensor scales = read(name + ".nested_absmax").reshape(-1);
        long blocks = ((outputs * inputs) + Nf4.BlockSize - 1) / Nf4.BlockSize;
        bool fits =
            shape.SequenceEqual([outputs, inputs])
            && state.GetProperty("blocksize").GetInt32() == Nf4.BlockSize
            && state.GetProperty("nested_blocksize").GetInt32() == Nf4.NestedBlockSize
            && codes.dtype == ScalarType.Byte
            && codes.NumberOfElements == ((outputs * inputs) + 1) / 2
            && absmax.dtype == ScalarType.Byte
            && absmax.NumberOfElements == blocks
            && scales.dtype == ScalarType.Float32
            && scales.NumberOfElements == (blocks + Nf4.NestedBlockSize - 1) / Nf4.NestedBlockSize
            && float.IsFinite(offset)
            && float.IsFinite(scales.sum().ToSingle())
            && Same(read(name + ".quant_map"), Nf4.Levels)
            && Same(read(name + ".nested_quant_map"), DynamicCode.OfBothSigns());
        return fits
            ? new Nf4Weight(shape, codes, absmax, scales, offset)
            : throw new ModelException(
                $"'{name}' is not NF4 with double quantisation of shape [{outputs}, {inputs}] in blocks of "
                    + $"{Nf4.BlockSize} and {Nf4.NestedBlockSize}."
            );
    }

    private static JsonElement Parse(string name, Tensor state)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(state.bytes.ToArray(), InputFile.Strict);
            return document.RootElement.Clone();
        }
        catch (JsonException fault)
        {
            throw new ModelException($"'{name}{State}' is not the JSON text that it should be: {fault.Message}", fault);
        }
    }

    private static bool Same(Tensor table, ReadOnlySpan<float> expected)
    {
        if (table.dtype != ScalarType.Float32 || table.NumberOfElements != expected.Length)
        {
            return false;
        }

        float[] values = table.data<float>().ToArray();
        for (int i = 0; i < values.Length; i++)
        {
            if (!(MathF.Abs(values[i] - expected[i]) <= 1e-6f)) // NaN is not the same either
            {
                return false;
            }
        }

        return true;
    }
}
