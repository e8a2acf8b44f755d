using System.Text.Json;

namespace Pipeline.GpuWorker.Tests.Model.Checkpoints;

/// <summary>
/// The types that Python's <c>json.load</c> gives a file's values. An int where a float is declared is refused by
/// transformers.
/// </summary>
internal static class PythonTypes
{
    /// <summary>A line for each value: its path and its type; of a list, each type once.</summary>
    public static string Read(string path)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
        return string.Join('\n', Lines(document.RootElement, "").Distinct());
    }

    private static IEnumerable<string> Lines(JsonElement value, string path) =>
        value.ValueKind switch
        {
            JsonValueKind.Object => value
                .EnumerateObject()
                .OrderBy(p => p.Name, StringComparer.Ordinal)
                .SelectMany(p => Lines(p.Value, path.Length == 0 ? p.Name : $"{path}.{p.Name}")),
            JsonValueKind.Array => value.EnumerateArray().SelectMany(v => Lines(v, path + "[]")),
            JsonValueKind.Number =>
            [
                $"{path} {(value.GetRawText().AsSpan().ContainsAny('.', 'e', 'E') ? "float" : "int")}",
            ],
            JsonValueKind.True or JsonValueKind.False => [$"{path} bool"],
            JsonValueKind.Null => [$"{path} None"],
            _ => [$"{path} str"],
        };
}
