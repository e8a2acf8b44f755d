using LLama;
using LLama.Native;

namespace Pipeline.Export.LlamaCpp;

/// <summary>Quantises GGUF files by llama.cpp.</summary>
public static class GgufQuantizer
{
    /// <summary>Blocks of the quantised forms: a width that they do not divide cannot be quantised.</summary>
    public const int BlockSize = 256;

    private static readonly Dictionary<string, LLamaFtype> Forms = new(StringComparer.Ordinal)
    {
        ["Q8_0"] = LLamaFtype.MOSTLY_Q8_0,
        ["Q6_K"] = LLamaFtype.MOSTLY_Q6_K,
        ["Q5_K_M"] = LLamaFtype.MOSTLY_Q5_K_M,
        ["Q5_0"] = LLamaFtype.MOSTLY_Q5_0,
        ["Q4_K_M"] = LLamaFtype.MOSTLY_Q4_K_M,
        ["Q4_0"] = LLamaFtype.MOSTLY_Q4_0,
    };

    /// <summary>The forms, by the names that llama.cpp gives them.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Forms.Keys];

    /// <summary>Quantises a file.</summary>
    /// <param name="from">A file in F32, F16 or BF16 whose widths are multiples of <see cref="BlockSize"/>.</param>
    /// <param name="to">The new file.</param>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <exception cref="InvalidDataException">There is no such form, or llama.cpp could not; its reason is
    /// given.</exception>
    public static void Quantize(string from, string to, string name)
    {
        if (!Forms.TryGetValue(name, out LLamaFtype form))
        {
            throw new InvalidDataException($"'{name}' is not a form to quantise to: use {string.Join(", ", Names)}.");
        }

        LlamaCppLog.Begin();
        NativeApi.llama_empty_call(); // the library must be loaded before its defaults are read
        string partial = to + ".partial";
        if (!LLamaQuantizer.Quantize(from, partial, form, Environment.ProcessorCount, false, true))
        {
            File.Delete(partial);
            throw new InvalidDataException($"llama.cpp could not quantise to {name}: {LlamaCppLog.Last}.");
        }

        File.Move(partial, to, overwrite: true);
    }
}
