using System.Text.Json;

namespace Pipeline.Model.Checkpoints;

/// <summary>A Llama's shape, read from config.json in the old keys (<c>rope_theta</c>) or the new (<c>rope_parameters</c>).</summary>
public sealed record LlamaConfig
{
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

    /// <summary>Whether the output layer is the embedding matrix.</summary>
    public required bool TiedEmbeddings { get; init; }

    /// <summary>Reads config.json of a base model's folder.</summary>
    /// <exception cref="ModelException">It is missing, or describes a model that is not computed here; the reason is named.</exception>
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
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
            return Read(document.RootElement, path);
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException or FormatException)
        {
            throw new ModelException($"{path} cannot be read: {fault.Message}", fault);
        }
    }

    private static LlamaConfig Read(JsonElement root, string path)
    {
        Refuse(root, path);
        int hidden = Integer(root, "hidden_size", path);
        int heads = Integer(root, "num_attention_heads", path);
        JsonElement? rope = Optional(root, "rope_parameters");
        var config = new LlamaConfig
        {
            VocabularySize = Integer(root, "vocab_size", path),
            HiddenSize = hidden,
            IntermediateSize = Integer(root, "intermediate_size", path),
            Layers = Integer(root, "num_hidden_layers", path),
            Heads = heads,
            KeyValueHeads = Optional(root, "num_key_value_heads")?.GetInt32() ?? heads,
            HeadSize = Optional(root, "head_dim")?.GetInt32() ?? hidden / Math.Max(1, heads),
            MaxPositions = Optional(root, "max_position_embeddings")?.GetInt32() ?? 2048,
            RmsNormEpsilon = Optional(root, "rms_norm_eps")?.GetDouble() ?? 1e-6,
            RopeTheta = (rope is { } parameters ? Optional(parameters, "rope_theta") : null)?.GetDouble() ?? Optional(root, "rope_theta")?.GetDouble() ?? 10_000,
            TiedEmbeddings = Optional(root, "tie_word_embeddings")?.GetBoolean() ?? false,
        };
        return config.KeyValueHeads > 0 && heads > 0 && heads % config.KeyValueHeads == 0
            ? config
            : throw new ModelException($"{path}: {heads} heads cannot share {config.KeyValueHeads} key-value heads.");
    }

    private static void Refuse(JsonElement root, string path)
    {
        string architecture = Optional(root, "architectures")?.EnumerateArray().FirstOrDefault().GetString() ?? "unnamed";
        if (architecture != "LlamaForCausalLM")
        {
            throw new ModelException($"{path}: the architecture is {architecture}; LlamaForCausalLM is what is computed here.");
        }

        string activation = Optional(root, "hidden_act")?.GetString() ?? "silu";
        if (activation != "silu")
        {
            throw new ModelException($"{path}: the activation is {activation}; silu is what is computed here.");
        }

        foreach (string bias in (string[])["attention_bias", "mlp_bias"])
        {
            if (Optional(root, bias)?.GetBoolean() == true)
            {
                throw new ModelException($"{path}: {bias} is set; linear layers with a bias are not computed here.");
            }
        }

        JsonElement? scaling = Optional(root, "rope_scaling") ?? Optional(root, "rope_parameters");
        string rope = scaling is { } s ? (Optional(s, "rope_type") ?? Optional(s, "type"))?.GetString() ?? "default" : "default";
        if (rope != "default")
        {
            throw new ModelException($"{path}: RoPE of the type '{rope}' is not computed here; 'default' is.");
        }
    }

    private static int Integer(JsonElement root, string key, string path) =>
        Optional(root, key)?.GetInt32() ?? throw new ModelException($"{path} lacks '{key}'.");

    private static JsonElement? Optional(JsonElement root, string key) =>
        root.TryGetProperty(key, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
