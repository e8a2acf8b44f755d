using System.Text.Json;
using System.Text.Json.Nodes;
using Pipeline.Contracts;
using Pipeline.Model.Checkpoints;

namespace Pipeline.Model.Adapters;

/// <summary>
/// <c>adapter_config.json</c> of peft, old and new. What would change the numbers and is not computed here is refused
/// by name; what cannot (how the matrices were initialised, which peft wrote it) is read over. Source: peft
/// <c>tuners/lora/config.py</c>.
/// </summary>
public static class PeftConfig
{
    /// <summary>The version of peft whose key set is written.</summary>
    public const string PeftVersion = "0.21.0";

    private const int LargestRank = 16_384;

    /// <summary>Keys that must be absent, null, false or empty, with the reason.</summary>
    private static readonly (string Key, string Reason)[] Refused =
    [
        ("fan_in_fan_out", "its base keeps weights transposed (GPT-2's Conv1D), a Llama does not"),
        ("modules_to_save", "it holds whole layers beside the LoRA matrices"),
        ("lora_bias", "its B matrices have a bias"),
        ("layer_replication", "it replicates layers of the base"),
        ("use_qalora", "QALoRA"),
        ("use_bdlora", "block-diagonal LoRA"),
        ("alora_invocation_tokens", "activated LoRA"),
        ("trainable_token_indices", "it holds trained embeddings"),
        ("target_parameters", "it targets bare parameters"),
        ("arrow_config", "Arrow routing"),
        ("enable_lora", "merged linear layers of peft before 0.3"),
        ("kasa_config", "KaSA"),
        ("monteclora_config", "MonteCLoRA"),
        ("velora_config", "VeLoRA"),
        ("loftq_config", "LoftQ changes the base"),
        ("corda_config", "CorDA changes the base"),
        ("lora_ga_config", "LoRA-GA changes the base"),
        ("layers_pattern", "a pattern for the layers' name"),
    ];

    /// <summary>
    /// Initialisations that change the base's weights, so that the adapter means nothing without them.
    /// </summary>
    private static readonly string[] BaseChanging = ["pissa", "olora", "corda", "loftq", "lora_ga"];

    /// <summary>Reads a config.</summary>
    /// <exception cref="ModelException">It is not a LoRA, or one that is not computed here; the reason is
    /// named.</exception>
    public static LoraOptions Read(string path)
    {
        if (!File.Exists(path))
        {
            throw new ModelException($"'{path}' does not exist.");
        }

        try
        {
            using JsonDocument document = InputFile.ReadJson(path, InputFile.SettingsMegabytes);
            JsonObject config = JsonObject.Create(document.RootElement)!;
            if (Refusal(config) is { } reason)
            {
                throw new ModelException(
                    $"'{path}' is an adapter that is not computed here: {InputFile.OneLine(reason)}."
                );
            }

            return Options(config);
        }
        catch (Exception fault)
            when (fault
                    is JsonException
                        or NullReferenceException
                        or InvalidOperationException
                        or FormatException
                        or OverflowException
                        or ArgumentException
                        or InvalidDataException
            )
        {
            throw new ModelException(
                $"'{path}' is not an adapter_config.json: {InputFile.OneLine(fault.Message)}",
                fault
            );
        }
    }

    /// <summary>The config of an adapter, with peft's keys and no other.</summary>
    public static JsonObject Write(LoraOptions options, string baseName)
    {
        ArgumentNullException.ThrowIfNull(options);
        JsonNode targets = options.TargetExpression is { } expression
            ? expression
            : new JsonArray([.. Names(options).Select(m => (JsonNode)m)]);
        return new JsonObject
        {
            ["alora_invocation_tokens"] = null,
            ["alpha_pattern"] = Pattern(options.AlphaPattern, Number),
            ["arrow_config"] = null,
            ["auto_mapping"] = null,
            ["base_model_name_or_path"] = baseName,
            ["bias"] = "none",
            ["corda_config"] = null,
            ["ensure_weight_tying"] = false,
            ["eva_config"] = null,
            ["exclude_modules"] =
                options.ExcludedExpression is { } text ? text
                : options.Excluded.Count == 0 ? null
                : new JsonArray([.. options.Excluded.Select(m => (JsonNode)m)]),
            ["fan_in_fan_out"] = false,
            ["inference_mode"] = true,
            ["init_lora_weights"] = true,
            ["kasa_config"] = null,
            ["layer_replication"] = null,
            ["layers_pattern"] = null,
            ["layers_to_transform"] = options.Layers is null
                ? null
                : new JsonArray([.. options.Layers.Select(l => (JsonNode)l)]),
            ["loftq_config"] = new JsonObject(),
            ["lora_alpha"] = Number(options.Alpha),
            ["lora_bias"] = false,
            ["lora_dropout"] = JsonFloat.From(options.Dropout),
            ["lora_ga_config"] = null,
            ["megatron_config"] = null,
            ["megatron_core"] = "megatron.core",
            ["modules_to_save"] = null,
            ["monteclora_config"] = null,
            ["peft_type"] = "LORA",
            ["peft_version"] = PeftVersion,
            ["qalora_group_size"] = 16,
            ["r"] = options.Rank,
            ["rank_pattern"] = Pattern(options.RankPattern, r => (JsonNode)r),
            ["revision"] = null,
            ["target_modules"] = targets,
            ["target_parameters"] = null,
            ["task_type"] = "CAUSAL_LM",
            ["trainable_token_indices"] = null,
            ["use_bdlora"] = null,
            ["use_dora"] = options.UseDora,
            ["use_qalora"] = false,
            ["use_rslora"] = options.UseRslora,
            ["velora_config"] = null,
        };
    }

    private static string? Refusal(JsonObject config)
    {
        if (Text(config, "peft_type") is var type && type != "LORA")
        {
            return $"its peft_type is {type ?? "missing"}, not LORA";
        }

        if (Text(config, "task_type") is { } task && task != "CAUSAL_LM")
        {
            return $"its task_type is {task}, not CAUSAL_LM";
        }

        if (Text(config, "bias") is { } bias && bias != "none")
        {
            return $"it trains biases (bias: {bias})";
        }

        foreach ((string key, string reason) in Refused)
        {
            if (config[key] is { } value && !IsEmpty(value))
            {
                return $"{key} is set ({reason})";
            }
        }

        return
            config["init_lora_weights"] is JsonValue init
            && init.GetValueKind() == JsonValueKind.String
            && BaseChanging.FirstOrDefault(b =>
                init.GetValue<string>().StartsWith(b, StringComparison.OrdinalIgnoreCase)
            )
                is { } changing
            ? $"init_lora_weights is {changing}, which changes the base's weights"
            : null;
    }

    private static bool IsEmpty(JsonNode value) =>
        value switch
        {
            JsonArray array => array.Count == 0,
            JsonObject holder => holder.Count == 0,
            _ => value.GetValueKind() == JsonValueKind.False,
        };

    private static LoraOptions Options(JsonObject config)
    {
        (IReadOnlyList<string> targets, string? expression) = config["target_modules"] switch
        {
            JsonArray names => ((IReadOnlyList<string>)[.. names.Select(n => n!.GetValue<string>())], null),
            JsonValue text when text.GetValue<string>() != LoraOptions.AllLinear => ([], text.GetValue<string>()),
            _ => ((IReadOnlyList<string>)[LoraOptions.AllLinear], (string?)null),
        };
        foreach ((string key, JsonValueKind[] kinds) in Kinds)
        {
            JsonValueKind kind = config[key]?.GetValueKind() ?? JsonValueKind.Null;
            if (kind != JsonValueKind.Null && !kinds.Contains(kind))
            {
                throw new FormatException($"{key} is a JSON {kind}, not {string.Join(" or ", kinds)}");
            }
        }

        var options = new LoraOptions(
            Rank(config["r"], "r"),
            Alpha(config["lora_alpha"], "lora_alpha"),
            config["lora_dropout"]?.GetValue<double>() ?? 0
        )
        {
            UseRslora = config["use_rslora"]?.GetValue<bool>() ?? false,
            UseDora = config["use_dora"]?.GetValue<bool>() ?? false,
            Targets = targets,
            TargetExpression = expression,
            Excluded = config["exclude_modules"] is JsonArray excluded
                ? [.. excluded.Select(n => n!.GetValue<string>())]
                : [],
            ExcludedExpression = config["exclude_modules"] is JsonValue excludedText
                ? excludedText.GetValue<string>()
                : null,
            Layers = config["layers_to_transform"] switch
            {
                JsonArray { Count: 0 } => null,
                JsonArray layers => [.. layers.Select(l => l!.GetValue<int>())],
                JsonValue layer => [layer.GetValue<int>()],
                _ => null,
            },
            RankPattern = config["rank_pattern"] is JsonObject ranks
                ? ranks.ToDictionary(p => p.Key, p => Rank(p.Value, "rank_pattern"), StringComparer.Ordinal)
                : [],
            AlphaPattern = config["alpha_pattern"] is JsonObject alphas
                ? alphas.ToDictionary(p => p.Key, p => Alpha(p.Value, "alpha_pattern"), StringComparer.Ordinal)
                : [],
        };
        RequireBounded(options);
        return options;
    }

    private static void RequireBounded(LoraOptions options)
    {
        if (!(options.Dropout is >= 0 and < 1))
        {
            throw new FormatException($"lora_dropout is {options.Dropout}; 0 to below 1 is read");
        }

        int longest = options
            .RankPattern.Keys.Concat(options.AlphaPattern.Keys)
            .Concat(options.Targets)
            .Concat(options.Excluded)
            .Append(options.TargetExpression ?? "")
            .Append(options.ExcludedExpression ?? "")
            .Max(e => e.Length);
        int most = (
            (int[])
                [
                    options.RankPattern.Count,
                    options.AlphaPattern.Count,
                    options.Targets.Count,
                    options.Excluded.Count,
                    options.Layers?.Count ?? 0,
                ]
        ).Max();
        if (longest > MaxExpressionCharacters || most > MaxNames)
        {
            throw new FormatException(
                $"names and expressions have at most {MaxExpressionCharacters:N0} characters, and a list of them at "
                    + $"most {MaxNames:N0}"
            );
        }
    }

    private static int Rank(JsonNode? value, string key) =>
        value?.GetValue<int>() is { } rank and >= 1 and <= LargestRank
            ? rank
            : throw new FormatException($"{key} is {Shown(value)}; 1 to {LargestRank} is read");

    private static double Alpha(JsonNode? value, string key) =>
        value?.GetValue<double>() is { } alpha and > 0 and <= LargestAlpha
            ? alpha
            : throw new FormatException($"{key} is {Shown(value)}; above 0 and at most {LargestAlpha:N0} is read");

    private static string Shown(JsonNode? value) => value?.ToJsonString() ?? "missing";

    private const double LargestAlpha = 1_000_000;
    private const int MaxExpressionCharacters = 1000;
    private const int MaxNames = 4096;

    /// <summary>What the value of a key may be besides null.</summary>
    private static readonly (string Key, JsonValueKind[] Kinds)[] Kinds =
    [
        ("target_modules", [JsonValueKind.Array, JsonValueKind.String]),
        ("exclude_modules", [JsonValueKind.Array, JsonValueKind.String]),
        ("layers_to_transform", [JsonValueKind.Array, JsonValueKind.Number]),
        ("rank_pattern", [JsonValueKind.Object]),
        ("alpha_pattern", [JsonValueKind.Object]),
        ("init_lora_weights", [JsonValueKind.True, JsonValueKind.False, JsonValueKind.String]),
    ];

    private static IEnumerable<string> Names(LoraOptions options) =>
        options.Targets.Contains(LoraOptions.AllLinear)
            ? ["down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"]
            : options.Targets.Order(StringComparer.Ordinal);

    private static JsonObject Pattern<T>(IReadOnlyDictionary<string, T> pattern, Func<T, JsonNode> node)
    {
        var result = new JsonObject();
        foreach ((string key, T value) in pattern.OrderBy(p => p.Key, StringComparer.Ordinal))
        {
            result[key] = node(value);
        }

        return result;
    }

    private static JsonNode Number(double value) => value == Math.Truncate(value) ? (JsonNode)(long)value : value;

    private static string? Text(JsonObject config, string key) => config[key]?.GetValue<string>();
}
