using System.Text.Json;
using Pipeline.Contracts;
using Pipeline.Model.Checkpoints;
using Pipeline.Model.Llama;
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
    private const string Magnitude = ".lora_magnitude_vector";
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, NewLine = "\n" };

    /// <summary>
    /// The key of one of an adapter's tensors in the file; of a magnitude peft leaves <c>.weight</c> away.
    /// </summary>
    public static string KeyOf(string tensorName)
    {
        ArgumentNullException.ThrowIfNull(tensorName);
        return Prefix
            + (
                tensorName.EndsWith(Magnitude + ".weight", StringComparison.Ordinal)
                    ? tensorName[..^".weight".Length]
                    : tensorName
            );
    }

    /// <summary>Writes both files.</summary>
    public static void Write(string directory, LoraAdapter adapter, string baseName)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        using DisposeScope scope = NewDisposeScope();
        Dictionary<string, Tensor> tensors = adapter.Tensors.ToDictionary(
            t => KeyOf(t.Name),
            t => t.Value,
            StringComparer.Ordinal
        );
        SafetensorsFile.Write(
            Path.Combine(directory, BlobLayout.AdapterWeightsFile),
            tensors,
            new Dictionary<string, string> { ["format"] = "pt" }
        );
        File.WriteAllText(
            Path.Combine(directory, BlobLayout.AdapterConfigFile),
            PeftConfig.Write(adapter.Options, baseName).ToJsonString(Indented) + "\n"
        );
    }

    /// <summary>
    /// Makes an adapter for a model and fills it from the files; the keys must be the model's, all and no other.
    /// </summary>
    /// <exception cref="ModelException">A file is missing or does not fit the model.</exception>
    public static LoraAdapter Read(string directory, LlamaModel model)
    {
        LoraOptions options = PeftConfig.Read(Path.Combine(directory, BlobLayout.AdapterConfigFile));
        LoraAdapter adapter = LoraAdapter.Create(model, options, seed: 0);
        try
        {
            using SafetensorsFile file = OpenWeights(directory);
            HashSet<string> expected = [.. adapter.Tensors.Select(t => KeyOf(t.Name))];
            List<string> wrong =
            [
                .. expected.Except(file.Entries.Keys).Select(k => $"'{k}' is missing"),
                .. file.Entries.Keys.Except(expected).Select(k => $"'{k}' is not the model's"),
            ];
            if (wrong.Count > 0)
            {
                throw new ModelException(
                    $"The adapter in '{directory}' does not fit the model: "
                        + string.Join("; ", wrong.Take(5))
                        + (wrong.Count > 5 ? $" and {wrong.Count - 5} more." : ".")
                );
            }

            foreach ((string name, _) in adapter.Tensors)
            {
                using Tensor value = file.Read(KeyOf(name));
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

    private static SafetensorsFile OpenWeights(string directory)
    {
        string path = Path.Combine(directory, BlobLayout.AdapterWeightsFile);
        return File.Exists(path) || !File.Exists(Path.Combine(directory, "adapter_model.bin"))
            ? SafetensorsFile.Open(path)
            : throw new ModelException(
                $"The adapter in '{directory}' is a pickle ('adapter_model.bin'). A pickle can run code when it is "
                    + "opened, so none ever is; convert it to safetensors."
            );
    }
}
