using System.Text.Json;
using Pipeline.Contracts;

namespace Pipeline.Tokenization;

/// <summary>Where base models lie, by name.</summary>
/// <param name="folders">Folders that hold bases, separated as in PATH (the setting <c>PIPELINE_MODELS</c>); one that
/// is not absolute is looked for here and beside the program.</param>
public sealed class BaseModelFolders(string folders)
{
    /// <summary>The folder of a base.</summary>
    /// <exception cref="DirectoryNotFoundException">There is no such base; the message names the folders looked
    /// in.</exception>
    public string Find(string name)
    {
        string? directory = BlobLayout.IsBaseName(name)
            ? folders
                .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
                .SelectMany(f => new[] { Path.Combine(f, name), Path.Combine(AppContext.BaseDirectory, f, name) })
                .FirstOrDefault(Directory.Exists)
            : null;
        return directory
            ?? throw new DirectoryNotFoundException(
                $"The base '{name}' is in none of the folders of PIPELINE_MODELS ({folders})."
            );
    }

    /// <summary>The shape of a base, by its config.json; <c>null</c>: it does not say all of it.</summary>
    public BaseShape? Shape(string name)
    {
        string path = Path.Combine(Find(name), "config.json");
        if (!File.Exists(path))
        {
            return null;
        }

        using JsonDocument config = InputFile.ReadJson(path, InputFile.SettingsMegabytes);
        JsonElement root = config.RootElement;
        int IntegerOf(string key, int otherwise = 0) =>
            root.TryGetProperty(key, out JsonElement value)
            && value.ValueKind == JsonValueKind.Number
            && value.TryGetInt32(out int number)
                ? number
                : otherwise;
        (int hidden, int heads) = (IntegerOf("hidden_size"), IntegerOf("num_attention_heads"));
        var shape = new BaseShape(
            hidden,
            IntegerOf("intermediate_size"),
            IntegerOf("num_hidden_layers"),
            heads,
            IntegerOf("num_key_value_heads", heads),
            IntegerOf("head_dim", heads > 0 ? hidden / heads : 0),
            IntegerOf("vocab_size"),
            root.TryGetProperty("tie_word_embeddings", out JsonElement tied) && tied.ValueKind == JsonValueKind.True
        );
        return shape is { Hidden: > 0, Inner: > 0, Layers: > 0, HeadSize: > 0, Vocabulary: > 0 } ? shape : null;
    }

    /// <summary>
    /// The longest sequence that a base reads, in tokens (<c>max_position_embeddings</c> of its config.json);
    /// <c>null</c>: not said.
    /// </summary>
    public int? MaxPositions(string name)
    {
        string path = Path.Combine(Find(name), "config.json");
        if (!File.Exists(path))
        {
            return null;
        }

        using JsonDocument config = InputFile.ReadJson(path, InputFile.SettingsMegabytes);
        return
            config.RootElement.TryGetProperty("max_position_embeddings", out JsonElement positions)
            && positions.ValueKind == JsonValueKind.Number
            && positions.TryGetInt32(out int count)
            ? count
            : null;
    }
}
