using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Pipeline.Contracts;

/// <summary>
/// How contracts are written and read as JSON: camelCase, nulls left out, unknown keys ignored and named.
/// </summary>
public static class ContractJson
{
    /// <summary>For files of one object, indented.</summary>
    public static JsonSerializerOptions Indented { get; } = Create(indented: true);

    /// <summary>For JSON lines, queue messages and HTTP bodies.</summary>
    public static JsonSerializerOptions Compact { get; } = Create(indented: false);

    /// <summary>Reads one contract.</summary>
    /// <param name="json">UTF-8 JSON.</param>
    /// <param name="warn">Called with the path of each key that <typeparamref name="T"/> does not know.</param>
    /// <exception cref="JsonException">The text is not JSON, or a required member is missing or of another
    /// type.</exception>
    public static T Read<T>(ReadOnlySpan<byte> json, Action<string>? warn = null)
    {
        T value =
            JsonSerializer.Deserialize<T>(json, Compact)
            ?? throw new JsonException($"null where a {typeof(T).Name} was expected");
        if (warn is not null)
        {
            var reader = new Utf8JsonReader(json);
            using JsonDocument document = JsonDocument.ParseValue(ref reader);
            foreach (string path in UnknownKeys(document.RootElement, typeof(T), "$"))
            {
                warn(path);
            }
        }

        return value;
    }

    /// <inheritdoc cref="Read{T}(ReadOnlySpan{byte}, Action{string}?)"/>
    public static T Read<T>(string json, Action<string>? warn = null) =>
        Read<T>(System.Text.Encoding.UTF8.GetBytes(json), warn);

    public static string Write<T>(T value, bool indented = false) =>
        JsonSerializer.Serialize(value, indented ? Indented : Compact);

    public static byte[] WriteUtf8<T>(T value, bool indented = false) =>
        JsonSerializer.SerializeToUtf8Bytes(value, indented ? Indented : Compact);

    private static IEnumerable<string> UnknownKeys(JsonElement element, Type type, string path)
    {
        JsonTypeInfo info = Compact.GetTypeInfo(type);
        if (info.Kind == JsonTypeInfoKind.Object && element.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty property in element.EnumerateObject())
            {
                JsonPropertyInfo? known = info.Properties.FirstOrDefault(p =>
                    string.Equals(p.Name, property.Name, StringComparison.OrdinalIgnoreCase)
                );
                if (known is null)
                {
                    yield return $"{path}.{property.Name}";
                    continue;
                }

                foreach (string inner in UnknownKeys(property.Value, known.PropertyType, $"{path}.{property.Name}"))
                {
                    yield return inner;
                }
            }
        }
        else if (
            info is { Kind: JsonTypeInfoKind.Enumerable, ElementType: { } elementType }
            && element.ValueKind == JsonValueKind.Array
        )
        {
            foreach (
                string inner in element
                    .EnumerateArray()
                    .SelectMany((item, i) => UnknownKeys(item, elementType, $"{path}[{i}]"))
            )
            {
                yield return inner;
            }
        }
    }

    /// <summary>Sets options that another made, such as a web host's, to write and read as this class does.</summary>
    public static void Configure(JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.NewLine = "\n";
        options.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
        options.Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
        options.TypeInfoResolver = new DefaultJsonTypeInfoResolver();
    }

    private static JsonSerializerOptions Create(bool indented)
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web) { WriteIndented = indented };
        Configure(options);
        options.MakeReadOnly();
        return options;
    }
}
