using System.Text.Json;

namespace Pipeline.LocalHost.Durable;

/// <summary>Durable payloads as the official worker has them: PascalCase when written, case-insensitive when read, fields ignored.</summary>
public static class DurableJson
{
    private static readonly JsonSerializerOptions Options = new() { PropertyNameCaseInsensitive = true };

    public static string? Write(object? value) => value is null ? null : JsonSerializer.Serialize(value, value.GetType(), Options);

    public static T? Read<T>(string? json) => json is null ? default : JsonSerializer.Deserialize<T>(json, Options);

    public static object? Read(string? json, Type type) => json is null ? null : JsonSerializer.Deserialize(json, type, Options);
}
