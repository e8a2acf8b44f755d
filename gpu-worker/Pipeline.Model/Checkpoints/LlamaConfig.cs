using System.Text.Json;
using Pipeline.Contracts;

namespace Pipeline.Model.Checkpoints;

/// <summary>
/// The shape of a Llama, Mistral or Qwen2, which differ in biases and attention windows only. Read from config.json in
/// the old keys (<c>rope_theta</c>, <c>rope_scaling</c>, <c>torch_dtype</c>) or the new (<c>rope_parameters</c>,
/// <c>dtype</c>).
/// </summary>
public sealed record LlamaConfig
{
    public const string Llama = "LlamaForCausalLM";
    public const string Mistral = "MistralForCausalLM";
    public const string Qwen2 = "Qwen2ForCausalLM";

    /// <summary>One of the three names above.</summary>
    public required string Architecture { get; init; }
    public required int VocabularySize { get; init; }
    public required int HiddenSize { get; init; }
    public required int IntermediateSize { get; init; }
    public required int Layers { get; init; }
    public required int Heads { get; init; }

    /// <summary>Key-value heads; each serves <see cref="Heads"/> / this many query heads.</summary>
    public required int KeyValueHeads { get; init; }
    public required int HeadSize { get; init; }

    /// <summary>Longest sequence, in tokens.</summary>
    public required int MaxPositions { get; init; }
    public required double RmsNormEpsilon { get; init; }
    public required double RopeTheta { get; init; }

    /// <summary>Llama 3's stretching; <c>null</c>: frequencies as they are.</summary>
    public RopeScaling? RopeScaling { get; init; }

    /// <summary>How many positions a query sees, its own among them; <c>null</c>: all before it.</summary>
    public int? SlidingWindow { get; init; }

    /// <summary>The first layer to which <see cref="SlidingWindow"/> applies.</summary>
    public int FirstWindowLayer { get; init; }

    /// <summary>Whether query, key and value projections carry a bias, as Qwen2's do.</summary>
    public bool AttentionBias { get; init; }

    /// <summary>Whether the output layer is the embedding matrix.</summary>
    public required bool TiedEmbeddings { get; init; }

    /// <summary>The dtype that config.json names: <c>float32</c>, <c>float16</c>, <c>bfloat16</c>.</summary>
    public required string Dtype { get; init; }

    /// <summary>
    /// Whether the folder holds NF4 codes (bitsandbytes' layout) in place of the linear layers' weights.
    /// </summary>
    public bool Quantized { get; init; }

    /// <summary>What memory is estimated from.</summary>
    public BaseShape Shape =>
        new(HiddenSize, IntermediateSize, Layers, Heads, KeyValueHeads, HeadSize, VocabularySize, TiedEmbeddings);

    /// <summary>Numbers in a full-size decoder layer's linear weights.</summary>
    public long LinearParametersPerLayer => Shape.LinearParametersPerLayer;

    /// <summary>How many positions a query of a layer sees; <c>null</c>: all before it.</summary>
    public int? WindowOf(int layer) => layer >= FirstWindowLayer ? SlidingWindow : null;

    /// <summary>Reads config.json of a base model's folder.</summary>
    /// <exception cref="ModelException">It is missing, or describes a model that is not computed here; the reason is
    /// named.</exception>
    public static LlamaConfig FromDirectory(string directory)
    {
        string path = Path.Combine(directory, "config.json");
        if (!Directory.Exists(directory))
        {
            throw new ModelException($"The base '{directory}' does not exist.");
        }

        if (!File.Exists(path))
        {
            throw new ModelException($"The base in '{directory}' has no config.json.");
        }

        try
        {
            using JsonDocument document = InputFile.ReadJson(path, InputFile.SettingsMegabytes);
            return ConfigFile.Read(document.RootElement, path);
        }
        catch (Exception fault)
            when (fault is JsonException or InvalidOperationException or FormatException or OverflowException)
        {
            throw new ModelException($"{path} cannot be read: {InputFile.OneLine(fault.Message)}", fault);
        }
        catch (InvalidDataException fault)
        {
            throw new ModelException(fault.Message, fault);
        }
    }
}
