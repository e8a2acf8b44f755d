using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pipeline.Contracts;
using Pipeline.Model.Checkpoints;
using Pipeline.Model.Llama;
using Pipeline.Model.Quantization;
using static TorchSharp.torch;

namespace Pipeline.Model.Merging;

/// <summary>
/// Writes a model as transformers reads it: one safetensors file, or several with their index, and the base's other
/// files.
/// </summary>
public static class CheckpointWriter
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, NewLine = "\n" };
    private static readonly string[] Companions =
    [
        "tokenizer.json",
        "tokenizer.model",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "added_tokens.json",
        "chat_template.jinja",
        "generation_config.json",
        "LICENSE",
        "NOTICE",
    ];

    /// <summary>Writes the weights with the attached adapter folded in, in float32.</summary>
    /// <param name="model">A base held in NF4 is written dequantised: that is what the adapter was trained on.</param>
    /// <param name="baseDirectory">Where config.json and tokenizer come from.</param>
    /// <param name="directory">A folder that exists.</param>
    /// <param name="largestFileBytes">Weights are divided into files of at most this.</param>
    public static void WriteMerged(LlamaModel model, string baseDirectory, string directory, long largestFileBytes)
    {
        ArgumentNullException.ThrowIfNull(model);
        List<CheckpointTensor> tensors =
        [
            .. model
                .OtherTensors()
                .Select(t => new CheckpointTensor(t.Name, ScalarType.Float32, t.Value.shape, () => t.Value.alias())),
            .. model.Projections.Select(p => new CheckpointTensor(
                p.Path + ".weight",
                ScalarType.Float32,
                [p.Out, p.In],
                p.Merged
            )),
        ];
        WriteWeights(directory, tensors, largestFileBytes);
        CopyCompanions(
            baseDirectory,
            directory,
            config =>
            {
                config.Remove("quantization_config");
                config[config.ContainsKey("dtype") ? "dtype" : "torch_dtype"] = "float32";
            }
        );
    }

    /// <summary>
    /// Writes the model's NF4 form in the layout of transformers with bitsandbytes; what is not quantised stays in the
    /// base's dtype.
    /// </summary>
    /// <param name="model">Held in NF4.</param>
    /// <param name="baseDirectory">Where config.json and tokenizer come from.</param>
    /// <param name="directory">A folder that exists.</param>
    /// <param name="largestFileBytes">Weights are divided into files of at most this.</param>
    /// <exception cref="ModelException">The model is not held in NF4.</exception>
    public static void WriteQuantized(LlamaModel model, string baseDirectory, string directory, long largestFileBytes)
    {
        ArgumentNullException.ThrowIfNull(model);
        ScalarType dtype = model.Config.Dtype switch
        {
            "float16" => ScalarType.Float16,
            "bfloat16" => ScalarType.BFloat16,
            _ => ScalarType.Float32,
        };
        var tensors = new List<CheckpointTensor>(
            model.OtherTensors().Select(t => new CheckpointTensor(t.Name, dtype, t.Value.shape, () => t.Value.alias()))
        );
        foreach (Projection projection in model.Projections)
        {
            Nf4Weight weight =
                projection.Weight.Quantized ?? throw new ModelException($"'{projection.Path}' is not held in NF4.");
            tensors.AddRange(QuantizedTensors.Write(projection.Path + ".weight", weight, model.Config.Dtype));
        }

        WriteWeights(directory, tensors, largestFileBytes);
        CopyCompanions(
            baseDirectory,
            directory,
            config => config["quantization_config"] = Quantization(model.Config.Dtype)
        );
    }

    private static void WriteWeights(string directory, List<CheckpointTensor> tensors, long largestFileBytes)
    {
        List<List<CheckpointTensor>> files =
        [
            [],
        ];
        long held = 0;
        foreach (CheckpointTensor tensor in tensors.OrderBy(t => t.Name, StringComparer.Ordinal))
        {
            if (held > 0 && held + tensor.Bytes > largestFileBytes)
            {
                files.Add([]);
                held = 0;
            }

            files[^1].Add(tensor);
            held += tensor.Bytes;
        }

        var metadata = new Dictionary<string, string> { ["format"] = "pt" };
        if (files.Count == 1)
        {
            SafetensorsFile.Write(Path.Combine(directory, "model.safetensors"), files[0], metadata);
            return;
        }

        var places = new JsonObject();
        foreach ((int index, List<CheckpointTensor> file) in files.Index())
        {
            string name = string.Create(
                CultureInfo.InvariantCulture,
                $"model-{index + 1:00000}-of-{files.Count:00000}.safetensors"
            );
            SafetensorsFile.Write(Path.Combine(directory, name), file, metadata);
            file.ForEach(t => places[t.Name] = name);
        }

        var content = new JsonObject
        {
            ["metadata"] = new JsonObject { ["total_size"] = tensors.Sum(t => t.Bytes) },
            ["weight_map"] = places,
        };
        File.WriteAllText(
            Path.Combine(directory, "model.safetensors.index.json"),
            content.ToJsonString(Indented) + "\n"
        );
    }

    private static void CopyCompanions(string from, string to, Action<JsonObject> change)
    {
        foreach (string name in Companions.Where(n => File.Exists(Path.Combine(from, n))))
        {
            InputFile.Copy(Path.Combine(from, name), Path.Combine(to, name));
        }

        using JsonDocument read = InputFile.ReadJson(Path.Combine(from, "config.json"), InputFile.SettingsMegabytes);
        JsonObject config = JsonObject.Create(read.RootElement)!;
        change(config);
        File.WriteAllText(Path.Combine(to, "config.json"), config.ToJsonString(Indented) + "\n");
    }

    /// <summary>Keys of transformers' <c>BitsAndBytesConfig</c> (<c>utils/quantization_config.py</c>).</summary>
    private static JsonObject Quantization(string dtype) =>
        new()
        {
            ["_load_in_4bit"] = true,
            ["_load_in_8bit"] = false,
            ["bnb_4bit_compute_dtype"] = dtype,
            ["bnb_4bit_quant_storage"] = "uint8",
            ["bnb_4bit_quant_type"] = "nf4",
            ["bnb_4bit_use_double_quant"] = true,
            ["llm_int8_enable_fp32_cpu_offload"] = false,
            ["llm_int8_has_fp16_weight"] = false,
            ["llm_int8_skip_modules"] = null,
            ["llm_int8_threshold"] = JsonFloat.From(6),
            ["load_in_4bit"] = true,
            ["load_in_8bit"] = false,
            ["quant_method"] = "bitsandbytes",
        };
}
