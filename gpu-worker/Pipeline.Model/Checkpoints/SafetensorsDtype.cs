using static TorchSharp.torch;

namespace Pipeline.Model.Checkpoints;

/// <summary>The dtypes of safetensors that are read and written here.</summary>
internal static class SafetensorsDtype
{
    private static readonly (string Name, ScalarType Type, int Bytes)[] Known =
    [
        ("F64", ScalarType.Float64, 8),
        ("F32", ScalarType.Float32, 4),
        ("F16", ScalarType.Float16, 2),
        ("BF16", ScalarType.BFloat16, 2),
        ("I64", ScalarType.Int64, 8),
        ("I32", ScalarType.Int32, 4),
        ("I16", ScalarType.Int16, 2),
        ("I8", ScalarType.Int8, 1),
        ("U8", ScalarType.Byte, 1),
        ("BOOL", ScalarType.Bool, 1),
    ];

    public static ScalarType ToScalarType(string name, string tensor) => Find(name, tensor).Type;

    public static int SizeOf(string name, string tensor) => Find(name, tensor).Bytes;

    public static int SizeOf(ScalarType type) => Known.First(k => k.Type == type).Bytes;

    public static string NameOf(ScalarType type) => Known.First(k => k.Type == type).Name;

    private static (string Name, ScalarType Type, int Bytes) Find(string name, string tensor)
    {
        foreach ((string Name, ScalarType Type, int Bytes) known in Known)
        {
            if (known.Name == name)
            {
                return known;
            }
        }

        throw new ModelException(
            $"Tensor '{tensor}' has the dtype {name}, which is not read; known are "
                + $"{string.Join(", ", Known.Select(k => k.Name))}."
        );
    }
}
