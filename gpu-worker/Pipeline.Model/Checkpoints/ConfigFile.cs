using System.Text.Json;
using Pipeline.Contracts;

namespace Pipeline.Model.Checkpoints;

/// <summary>
/// config.json to <see cref="LlamaConfig"/>. What is missing has the default of transformers' configuration class of
/// the architecture.
/// </summary>
internal static class ConfigFile
{
    private const int MistralWindow = 4096;
    private const string PartialRotary = "partial_rotary_factor";
    private static readonly string[] RopeKeys =
    [
        "rope_theta",
        "rope_type",
        "type",
        "factor",
        "low_freq_factor",
        "high_freq_factor",
        "original_max_position_embeddings",
        PartialRotary,
    ];
    private static readonly string[] Dtypes = ["float32", "float16", "bfloat16"];

    public static LlamaConfig Read(JsonElement root, string path)
    {
        string architecture = Architecture(root, path);
        Refuse(root, path);
        int hidden = Integer(root, "hidden_size", path);
        int heads = Integer(root, "num_attention_heads", path);
        JsonElement? rope = Optional(root, "rope_parameters") ?? Optional(root, "rope_scaling");
        (int? window, int firstWindowLayer) = Window(root, architecture, path);
        var config = new LlamaConfig
        {
            Architecture = architecture,
            VocabularySize = Integer(root, "vocab_size", path),
            HiddenSize = hidden,
            IntermediateSize = Integer(root, "intermediate_size", path),
            Layers = Integer(root, "num_hidden_layers", path),
            Heads = heads,
            KeyValueHeads =
                OptionalInteger(root, "num_key_value_heads", path) ?? (architecture == LlamaConfig.Mistral ? 8 : heads),
            HeadSize = OptionalInteger(root, "head_dim", path) ?? hidden / Math.Max(1, heads),
            MaxPositions =
                OptionalInteger(root, "max_position_embeddings", path)
                ?? architecture switch
                {
                    LlamaConfig.Mistral => 131_072,
                    LlamaConfig.Qwen2 => 32_768,
                    _ => 2048,
                },
            RmsNormEpsilon = OptionalReal(root, "rms_norm_eps", path) ?? 1e-6,
            RopeTheta =
                (rope is { } rotary ? OptionalReal(rotary, "rope_theta", path) : null)
                ?? OptionalReal(root, "rope_theta", path)
                ?? 10_000,
            RopeScaling = rope is { } parameters ? Scaling(parameters, path) : null,
            SlidingWindow = window,
            FirstWindowLayer = firstWindowLayer,
            AttentionBias = architecture == LlamaConfig.Qwen2,
            TiedEmbeddings = Optional(root, "tie_word_embeddings")?.GetBoolean() ?? false,
            Dtype = Dtype(root, path),
            Quantized = Quantized(root, path),
        };
        RequireSupported(config, path);
        return config;
    }

    private static void RequireSupported(LlamaConfig config, string path)
    {
        (string Key, double Value, double Max)[] sizes =
        [
            ("vocab_size", config.VocabularySize, 1 << 24),
            ("hidden_size", config.HiddenSize, 1 << 18),
            ("intermediate_size", config.IntermediateSize, 1 << 21),
            ("num_hidden_layers", config.Layers, 2048),
            ("num_attention_heads", config.Heads, 1 << 14),
            ("num_key_value_heads", config.KeyValueHeads, 1 << 14),
            ("head_dim", config.HeadSize, 1 << 14),
            ("max_position_embeddings", config.MaxPositions, 1 << 26),
            ("rms_norm_eps", config.RmsNormEpsilon, 1),
            ("rope_theta", config.RopeTheta, 1e12),
            ("the factor of RoPE", config.RopeScaling?.Factor ?? 1, 1e6),
            ("original_max_position_embeddings", config.RopeScaling?.OriginalPositions ?? 1, 1 << 26),
        ];
        foreach ((string key, double value, double max) in sizes)
        {
            if (!(value > 0 && value <= max))
            {
                throw new ModelException(
                    string.Create(
                        System.Globalization.CultureInfo.InvariantCulture,
                        $"{path}: {key} is {value}; it must be above 0 and at most {max}."
                    )
                );
            }
        }

        if (config.Heads % config.KeyValueHeads != 0)
        {
            throw new ModelException(
                $"{path}: {config.Heads} heads cannot share {config.KeyValueHeads} key-value heads."
            );
        }

        if (config.HeadSize % 2 != 0)
        {
            throw new ModelException($"{path}: head_dim is {config.HeadSize}; RoPE rotates pairs, so it must be even.");
        }
    }

    private static string Architecture(JsonElement root, string path)
    {
        string? named = Optional(root, "architectures")?.EnumerateArray().FirstOrDefault()
            is { ValueKind: JsonValueKind.String } first
            ? first.GetString()
            : null;
        string architecture =
            named
            ?? Optional(root, "model_type")?.GetString() switch
            {
                "llama" => LlamaConfig.Llama,
                "mistral" => LlamaConfig.Mistral,
                "qwen2" => LlamaConfig.Qwen2,
                _ => "unnamed",
            };
        return architecture is LlamaConfig.Llama or LlamaConfig.Mistral or LlamaConfig.Qwen2
            ? architecture
            : throw new ModelException(
                $"{path}: the architecture is {InputFile.OneLine(architecture)}; {LlamaConfig.Llama}, "
                    + $"{LlamaConfig.Mistral} and {LlamaConfig.Qwen2} are what is computed here."
            );
    }

    private static void Refuse(JsonElement root, string path)
    {
        string activation = Optional(root, "hidden_act")?.GetString() ?? "silu";
        if (activation != "silu")
        {
            throw new ModelException($"{path}: the activation is {activation}; silu is what is computed here.");
        }

        foreach (string bias in (string[])["attention_bias", "mlp_bias"])
        {
            if (Optional(root, bias)?.GetBoolean() == true)
            {
                throw new ModelException(
                    $"{path}: {bias} is set; of biases only Qwen2's on query, key and value are computed here."
                );
            }
        }

        RefusePartialRotary(root, path);
        foreach (string holder in (string[])["rope_parameters", "rope_scaling"])
        {
            if (Optional(root, holder) is { ValueKind: JsonValueKind.Object } rope)
            {
                RefusePartialRotary(rope, path);
                if (
                    rope.EnumerateObject().Select(p => p.Name).FirstOrDefault(n => !RopeKeys.Contains(n)) is { } unknown
                )
                {
                    throw new ModelException(
                        $"{path}: {holder} has the key '{unknown}', which is not known here; known are "
                            + $"{string.Join(", ", RopeKeys)}."
                    );
                }
            }
        }
    }

    private static void RefusePartialRotary(JsonElement holder, string path)
    {
        if (Optional(holder, PartialRotary)?.GetDouble() is { } partial && partial != 1)
        {
            throw new ModelException(
                $"{path}: {PartialRotary} is {partial}; RoPE over whole heads is what is computed here."
            );
        }
    }

    private static RopeScaling? Scaling(JsonElement rope, string path)
    {
        string type = (Optional(rope, "rope_type") ?? Optional(rope, "type"))?.GetString() ?? "default";
        double Number(string key) =>
            OptionalReal(rope, key, path)
            ?? throw new ModelException($"{path}: RoPE of the type llama3 lacks '{key}'.");
        RopeScaling? scaling = type switch
        {
            "default" => null,
            "llama3" => new RopeScaling(
                Number("factor"),
                Number("low_freq_factor"),
                Number("high_freq_factor"),
                OptionalInteger(rope, "original_max_position_embeddings", path)
                    ?? throw new ModelException(
                        $"{path}: RoPE of the type llama3 lacks 'original_max_position_embeddings'."
                    )
            ),
            _ => throw new ModelException(
                $"{path}: RoPE of the type '{type}' is not computed here; 'default' and 'llama3' are."
            ),
        };
        return
            scaling is null
            || (
                scaling.Factor >= 1
                && scaling.LowFrequencyFactor > 0
                && scaling.HighFrequencyFactor > scaling.LowFrequencyFactor
                && scaling.OriginalPositions > 0
            )
            ? scaling
            : throw new ModelException(
                $"{path}: RoPE of the type llama3 with factor {scaling.Factor}, low_freq_factor "
                    + $"{scaling.LowFrequencyFactor}, high_freq_factor {scaling.HighFrequencyFactor} makes no sense."
            );
    }

    private static (int? Window, int FirstLayer) Window(JsonElement root, string architecture, string path)
    {
        int? window = null;
        int first = 0;
        if (architecture == LlamaConfig.Mistral)
        {
            window = root.TryGetProperty("sliding_window", out JsonElement size)
                ? (size.ValueKind == JsonValueKind.Null ? null : OptionalInteger(root, "sliding_window", path))
                : MistralWindow;
        }
        else if (architecture == LlamaConfig.Qwen2 && Optional(root, "use_sliding_window")?.GetBoolean() == true)
        {
            window = OptionalInteger(root, "sliding_window", path) ?? MistralWindow;
            first = OptionalInteger(root, "max_window_layers", path) ?? 28;
        }

        RequireLayerTypes(root, window, first, path);
        return window is null or > 0
            ? (window, first)
            : throw new ModelException($"{path}: sliding_window is {window}; it must be above 0.");
    }

    /// <summary>
    /// New files say for each layer what kind it is; what they say must be what the window's keys say.
    /// </summary>
    private static void RequireLayerTypes(JsonElement root, int? window, int first, string path)
    {
        if (Optional(root, "layer_types") is not { } types)
        {
            return;
        }

        foreach ((int layer, JsonElement type) in types.EnumerateArray().Index())
        {
            string expected = window is not null && layer >= first ? "sliding_attention" : "full_attention";
            if (type.GetString() != expected)
            {
                throw new ModelException(
                    $"{path}: layer_types calls layer {layer} '{type}' where its other keys make it '{expected}'."
                );
            }
        }
    }

    private static string Dtype(JsonElement root, string path)
    {
        string dtype = (Optional(root, "dtype") ?? Optional(root, "torch_dtype"))?.GetString() ?? "float32";
        return Dtypes.Contains(dtype)
            ? dtype
            : throw new ModelException($"{path}: the dtype is {dtype}; {string.Join(", ", Dtypes)} are read.");
    }

    private static bool Quantized(JsonElement root, string path)
    {
        if (Optional(root, "quantization_config") is not { } quantization)
        {
            return false;
        }

        string method = Optional(quantization, "quant_method")?.GetString() ?? "unnamed";
        string type = Optional(quantization, "bnb_4bit_quant_type")?.GetString() ?? "unnamed";
        bool nested = Optional(quantization, "bnb_4bit_use_double_quant")?.GetBoolean() ?? false;
        return method == "bitsandbytes" && type == "nf4" && nested
            ? true
            : throw new ModelException(
                $"{path}: the weights are quantised by {method} ({type}, double quantisation "
                    + $"{(nested ? "on" : "off")}); only bitsandbytes' nf4 with double quantisation is read. Use the "
                    + "original weights."
            );
    }

    private static int Integer(JsonElement root, string key, string path) =>
        OptionalInteger(root, key, path) ?? throw new ModelException($"{path} lacks '{key}'.");

    private static int? OptionalInteger(JsonElement root, string key, string path) =>
        Optional(root, key) is not { } value ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) ? number
        : throw NotNumber(value, key, path, "whole ");

    private static double? OptionalReal(JsonElement root, string key, string path) =>
        Optional(root, key) is not { } value ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && double.IsFinite(number)
            ? number
        : throw NotNumber(value, key, path, "");

    private static ModelException NotNumber(JsonElement value, string key, string path, string kind) =>
        new($"{path}: {key} is {InputFile.OneLine(value.GetRawText())}, not a {kind}number that is read.");

    private static JsonElement? Optional(JsonElement root, string key) =>
        root.TryGetProperty(key, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
