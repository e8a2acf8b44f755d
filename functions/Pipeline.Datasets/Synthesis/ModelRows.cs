using System.Text;
using System.Text.Json;

namespace Pipeline.Datasets.Synthesis;

/// <summary>
/// Reads <c>{"rows": [{…}, …]}</c> as far as it goes: an answer that was cut off keeps the rows that are whole.
/// </summary>
internal static class ModelRows
{
    /// <summary>The whole rows of an answer.</summary>
    /// <param name="text">The answer's text; something other than JSON gives none.</param>
    public static IReadOnlyList<IReadOnlyDictionary<string, string>> Read(string text)
    {
        var rows = new List<IReadOnlyDictionary<string, string>>();
        int start = text.IndexOf('{', StringComparison.Ordinal); // some models put a fence before it
        if (start < 0)
        {
            return rows;
        }

        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(text[start..]), isFinalBlock: false, default);
        try
        {
            while (reader.Read())
            {
                // The rows are the objects one level below the array that is named so.
                if (reader.TokenType == JsonTokenType.StartObject && reader.CurrentDepth == 2)
                {
                    Utf8JsonReader ahead = reader;
                    if (!ahead.TrySkip())
                    {
                        break; // cut off within this row
                    }

                    using JsonDocument row = JsonDocument.ParseValue(ref reader);
                    rows.Add(
                        row.RootElement.EnumerateObject()
                            .Where(p => p.Value.ValueKind == JsonValueKind.String)
                            .DistinctBy(p => p.Name)
                            .ToDictionary(p => p.Name, p => p.Value.GetString()!, StringComparer.Ordinal)
                    );
                }
            }
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            // what is broken ends the answer
        }

        return rows;
    }
}
