using System.Text.Json;
using Pipeline.Contracts;

namespace Pipeline.Datasets.Ingestion;

/// <summary>One JSON object a line; values other than strings are taken as their JSON text.</summary>
internal static class JsonLinesReader
{
    public static IReadOnlyList<RawRow> Read(RawFile file)
    {
        using StreamReader text = RawReader.OpenText(file);
        var rows = new List<RawRow>();
        for (int line = 1; text.ReadLine() is { } json; line++)
        {
            if (string.IsNullOrWhiteSpace(json))
            {
                continue;
            }

            var place = new RowPlace(file.Name, rows.Count + 1, line);
            try
            {
                rows.Add(new RawRow(place, Fields(json), null));
            }
            catch (Exception fault) when (fault is JsonException or InvalidDataException)
            {
                rows.Add(new RawRow(place, new Dictionary<string, string> { ["line"] = json }, $"not a JSON object: {fault.Message}"));
            }
        }

        return rows;
    }

    private static Dictionary<string, string> Fields(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        if (document.RootElement.ValueKind != JsonValueKind.Object)
        {
            throw new InvalidDataException($"it is a {document.RootElement.ValueKind}");
        }

        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (JsonProperty property in document.RootElement.EnumerateObject())
        {
            fields[property.Name] = property.Value.ValueKind switch
            {
                JsonValueKind.String => property.Value.GetString()!,
                JsonValueKind.Null => "",
                _ => property.Value.GetRawText(),
            };
        }

        return fields;
    }
}
