using System.Text.Json;
using Pipeline.Contracts;

namespace Pipeline.Tokenization;

/// <summary>What the encoder needs to know of a base's config.json.</summary>
/// <param name="Architecture">The first of <c>architectures</c>; <c>null</c>: not said.</param>
/// <param name="VocabularySize"><c>vocab_size</c>; <c>null</c>: not said.</param>
/// <param name="BeginId"><c>bos_token_id</c>; <c>null</c>: not said.</param>
internal sealed record BaseConfig(string? Architecture, int? VocabularySize, int? BeginId)
{
    /// <summary>Reads the file; of one that is not there nothing is known.</summary>
    /// <exception cref="InvalidDataException">It is not a JSON object.</exception>
    public static BaseConfig Read(string path)
    {
        if (!File.Exists(path))
        {
            return new BaseConfig(null, null, null);
        }

        using JsonDocument config = InputFile.ReadJson(path, InputFile.SettingsMegabytes);
        JsonElement root = config.RootElement;
        int? Integer(string key) =>
            root.TryGetProperty(key, out JsonElement value)
            && value.ValueKind == JsonValueKind.Number
            && value.TryGetInt32(out int number)
                ? number
                : null;
        string? architecture =
            root.TryGetProperty("architectures", out JsonElement names)
            && names.ValueKind == JsonValueKind.Array
            && names.GetArrayLength() > 0
            && names[0].ValueKind == JsonValueKind.String
                ? names[0].GetString()
                : null;
        return new BaseConfig(architecture, Integer("vocab_size"), Integer("bos_token_id"));
    }
}
