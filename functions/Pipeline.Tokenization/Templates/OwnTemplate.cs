using System.Text;
using System.Text.Json;
using Pipeline.Contracts;

namespace Pipeline.Tokenization.Templates;

/// <summary>
/// A base's own chat template, which a server applies: recognised by the SHA-256 of its text
/// (<c>known-templates.json</c>: templates as known to TRL), else by its marks. Its Jinja is not run.
/// </summary>
/// <param name="KnownAs">The name of a known template, such as <c>qwen2_5</c>; <c>null</c>: not known.</param>
/// <param name="Kind">By its marks: one of <see cref="ChatTemplate.Names"/>, or a kind that there is none of here
/// (<c>gemma</c>, <c>phi3</c>, <c>zephyr</c>); <c>null</c>: no mark is known.</param>
public sealed record OwnTemplate(string? KnownAs, string? Kind)
{
    private static readonly Lazy<Dictionary<string, string>> Known = new(() =>
    {
        using Stream stream = typeof(OwnTemplate).Assembly.GetManifestResourceStream("known-templates.json")!;
        return JsonSerializer.Deserialize<Dictionary<string, string>>(stream)!;
    });

    /// <summary>Its Jinja.</summary>
    public string Text { get; private init; } = "";

    /// <summary>What to call it.</summary>
    public string Title =>
        KnownAs is not null ? $"'{KnownAs}'"
        : Kind is not null ? $"of {Kind}'s kind"
        : "of no kind that is known";

    /// <summary>Reads the template of a base's folder: chat_template.jinja, else tokenizer_config.json's.</summary>
    /// <returns>The template; <c>null</c>: the base has none.</returns>
    /// <exception cref="InvalidDataException">tokenizer_config.json is not JSON.</exception>
    public static OwnTemplate? FromDirectory(string directory) => Source(directory) is { } text ? From(text) : null;

    /// <summary>Recognises a template by its text.</summary>
    public static OwnTemplate From(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string sha256 = ContentHash.Sha256(Encoding.UTF8.GetBytes(text.Trim()));
        return new OwnTemplate(Known.Value.GetValueOrDefault(sha256), KindOf(text)) { Text = text };
    }

    private static string? KindOf(string text)
    {
        bool Has(string mark) => text.Contains(mark, StringComparison.Ordinal);
        return Has("<|start_header_id|>") ? Llama3Template.TemplateName
            : Has("<|im_start|>") ? ChatMlTemplate.TemplateName
            : Has("<start_of_turn>") ? "gemma"
            : Has("<|user|>") || Has("<|assistant|>")
                ? Has("<|end|>") ? "phi3"
                    : "zephyr"
            : !Has("[INST]") ? null
            : Has("<<SYS>>") ? Llama2Template.TemplateName
            : MistralTemplate.TemplateName;
    }

    private static string? Source(string directory)
    {
        string jinja = Path.Combine(directory, "chat_template.jinja");
        if (File.Exists(jinja))
        {
            return Encoding.UTF8.GetString(InputFile.ReadAll(jinja, InputFile.SettingsMegabytes));
        }

        return ((string[])["tokenizer_config.json", "chat_template.json"])
            .Select(n => Path.Combine(directory, n))
            .Where(File.Exists)
            .Select(FromConfig)
            .FirstOrDefault(t => t is not null);
    }

    private static string? FromConfig(string path)
    {
        try
        {
            using JsonDocument config = InputFile.ReadJson(path, InputFile.TokenizerMegabytes);
            if (
                config.RootElement.ValueKind != JsonValueKind.Object
                || !config.RootElement.TryGetProperty("chat_template", out JsonElement template)
            )
            {
                return null;
            }

            // several are a list of name and template; the one called default is applied
            return template.ValueKind == JsonValueKind.String ? template.GetString()
                : template.ValueKind == JsonValueKind.Array
                    ? template
                        .EnumerateArray()
                        .OrderByDescending(t => t.GetProperty("name").GetString() == "default")
                        .Select(t => t.GetProperty("template").GetString())
                        .FirstOrDefault()
                : null;
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new InvalidDataException($"'{path}' cannot be read: {fault.Message}", fault);
        }
    }
}

/// <summary>
/// A base's own chat template is none that there is here: the one to use must be named. The message is for the person
/// who chose the base.
/// </summary>
public sealed class ChatTemplateException(string message) : Exception(message);
