using System.Text.Json;
using System.Text.Json.Nodes;
using Pipeline.Contracts;
using Pipeline.Model.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Adapters;

/// <summary>
/// Writes and reads an adapter as peft does: <c>adapter_model.safetensors</c> with keys
/// <c>base_model.model.{module}.lora_A.weight</c>, and <c>adapter_config.json</c>. Format: peft,
/// <c>docs/source/developer_guides/checkpoint.md</c>.
/// </summary>
public static class PeftAdapterFiles
{
    private const string Prefix = "base_model.model.";
    private static readonly string[] TargetModules = ["down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"];

    /// <summary>Writes both files.</summary>
    public static void Write(string directory, LoraAdapter adapter, string baseName)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        using DisposeScope scope = NewDisposeScope();
        Dictionary<string, Tensor> tensors = adapter.Tensors.ToDictionary(t => Prefix + t.Name, t => t.Value, StringComparer.Ordinal);
        SafetensorsFile.Write(Path.Combine(directory, BlobLayout.AdapterWeightsFile), tensors, new Dictionary<string, string> { ["format"] = "pt" });
        File.WriteAllText(Path.Combine(directory, BlobLayout.AdapterConfigFile), Config(adapter.Options, baseName).ToJsonString(new JsonSerializerOptions { WriteIndented = true, NewLine = "\n" }) + "\n");
    }

    /// <summary>Makes an adapter for a model's targets and fills it from the files; the keys must be the model's, all and no other.</summary>
    /// <exception cref="ModelException">A file is missing or does not fit the model.</exception>
    public static LoraAdapter Read(string directory, IReadOnlyList<(string Path, long In, long Out)> targets)
    {
        LoraOptions options = ReadOptions(Path.Combine(directory, BlobLayout.AdapterConfigFile));
        LoraAdapter adapter = LoraAdapter.Create(targets, options, seed: 0);
        try
        {
            using SafetensorsFile file = SafetensorsFile.Open(Path.Combine(directory, BlobLayout.AdapterWeightsFile));
            HashSet<string> expected = [.. adapter.Tensors.Select(t => Prefix + t.Name)];
            List<string> wrong = [.. expected.Except(file.Entries.Keys).Select(k => $"'{k}' is missing"), .. file.Entries.Keys.Except(expected).Select(k => $"'{k}' is not the model's")];
            if (wrong.Count > 0)
            {
                throw new ModelException($"The adapter in '{directory}' does not fit the model: {string.Join("; ", wrong.Take(5))}{(wrong.Count > 5 ? $" and {wrong.Count - 5} more" : "")}.");
            }

            foreach ((string name, _) in adapter.Tensors)
            {
                using Tensor value = file.Read(Prefix + name);
                adapter.Set(name, value);
            }

            return adapter;
        }
        catch
        {
            adapter.Dispose();
            throw;
        }
    }

    private static LoraOptions ReadOptions(string path)
    {
        if (!File.Exists(path))
        {
            throw new ModelException($"'{path}' does not exist.");
        }

        try
        {
            JsonObject config = JsonNode.Parse(File.ReadAllBytes(path))!.AsObject();
            if (config["peft_type"]?.GetValue<string>() != "LORA" || config["use_dora"]?.GetValue<bool>() == true || config["use_rslora"]?.GetValue<bool>() == true)
            {
                throw new ModelException($"'{path}' is not a plain LoRA adapter; DoRA, rsLoRA and other methods are not read here.");
            }

            return new LoraOptions(config["r"]!.GetValue<int>(), config["lora_alpha"]!.GetValue<double>(), config["lora_dropout"]?.GetValue<double>() ?? 0);
        }
        catch (Exception fault) when (fault is JsonException or NullReferenceException or InvalidOperationException or FormatException)
        {
            throw new ModelException($"'{path}' is no adapter_config.json: {fault.Message}", fault);
        }
    }

    private static JsonObject Config(LoraOptions options, string baseName) => new()
    {
        ["alpha_pattern"] = new JsonObject(),
        ["auto_mapping"] = null,
        ["base_model_name_or_path"] = baseName,
        ["bias"] = "none",
        ["fan_in_fan_out"] = false,
        ["inference_mode"] = true,
        ["init_lora_weights"] = true,
        ["layer_replication"] = null,
        ["layers_pattern"] = null,
        ["layers_to_transform"] = null,
        ["lora_alpha"] = options.Alpha,
        ["lora_dropout"] = options.Dropout,
        ["modules_to_save"] = null,
        ["peft_type"] = "LORA",
        ["r"] = options.Rank,
        ["rank_pattern"] = new JsonObject(),
        ["revision"] = null,
        ["target_modules"] = new JsonArray([.. TargetModules.Select(m => (JsonNode)m)]),
        ["task_type"] = "CAUSAL_LM",
        ["use_dora"] = false,
        ["use_rslora"] = false,
    };
}
