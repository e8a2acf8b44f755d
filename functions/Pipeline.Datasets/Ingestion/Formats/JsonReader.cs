using System.Text.Json;
using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Ingestion.Formats;

/// <summary>
/// JSON objects: one a line, or the elements of an array.
/// </summary>
internal static class JsonReader
{
    /// <summary>One object a line. A line that is none is a row with a fault.</summary>
    public static IEnumerable<RawRow> Lines(
        RawFile file,
        InputBudget budget,
        ReadingNotes notes,
        RowRange? range = null
    )
    {
        using MixedText text = MixedText.Open(file, budget, range);
        (int rows, int first) = range is null ? (0, 1) : (range.FirstRow - 1, range.FirstLine);
        for (int line = first; text.ReadLine() is { } json; line++)
        {
            if (string.IsNullOrWhiteSpace(json))
            {
                continue;
            }

            var place = new RowPlace(file.Name, ++rows, line, text.OffsetOf(line));
            yield return text.LineIsCut
                ? new RawRow(place, new Dictionary<string, string> { ["line"] = json }, budget.LongRow)
                : Row(place, WithoutComma(json), budget);
        }

        if (range is null)
        {
            notes.Read(file, text);
        }
    }

    /// <summary>
    /// The elements of an array, one at a time. An array that breaks off gives what stood before, and a row with the
    /// fault.
    /// </summary>
    public static IEnumerable<RawRow> Elements(RawFile file, InputBudget budget, ReadingNotes notes)
    {
        using MixedText text = MixedText.Open(file, budget);
        using Stream utf8 = text.AsUtf8();
        var window = new JsonArrayWindow(utf8, budget);
        int rows = 0;
        bool more = true;
        string[]? header = null;
        while (more)
        {
            (more, JsonElement? element, string? fault) = window.Next();
            if (rows == 0 && header is null && element is { ValueKind: JsonValueKind.Array } names)
            {
                (header, bool isRow) = Header(names);
                notes.Add(
                    isRow
                        ? $"The rows of '{file.Name}' are lists; their columns are called 'column 1' to 'column "
                            + $"{header.Length}'."
                        : $"The rows of '{file.Name}' are lists; the first has the columns' names."
                );
                if (!isRow)
                {
                    continue;
                }
            }

            if (element is not null || fault is not null)
            {
                var place = new RowPlace(file.Name, ++rows, 0, text.IsAsItWas ? window.ElementStart : -1);
                yield return fault is null
                    ? Row(place, element!.Value, budget, header)
                    : new RawRow(
                        place,
                        new Dictionary<string, string> { ["line"] = window.Excerpt() },
                        more ? fault : $"the array is broken here, and nothing after it can be read: {fault}"
                    );
            }
        }

        notes.Read(file, text);
    }

    /// <summary>
    /// Objects a line; or one object over many lines, whose rows are the elements of its array of objects, such as
    /// <c>data</c>.
    /// </summary>
    public static IEnumerable<RawRow> LinesOrOne(RawFile file, InputBudget budget, ReadingNotes notes)
    {
        using (MixedText text = MixedText.Open(file, budget))
        {
            string? first = NotBlank(text);
            bool isCut = text.LineIsCut;
            // One line alone that holds an array of objects is the whole, as it would be over many lines.
            string? second = NotBlank(text);
            if (isCut && second is not null && !text.LineIsCut && IsJson(WithoutComma(second)))
            {
                return Lines(file, budget, notes);
            }

            if (
                first is not null
                && IsJson(WithoutComma(first))
                && !(second is null && (HoldsRows(first) || DataFrameJson.IsTable(first)))
            )
            {
                return Lines(file, budget, notes);
            }
        }

        return Inside(file, budget, notes);
    }

    private static string? NotBlank(MixedText text)
    {
        string? line = text.ReadLine();
        while (line is not null && line.Trim().Length == 0)
        {
            line = text.ReadLine();
        }

        return line;
    }

    private static List<RawRow> Inside(RawFile file, InputBudget budget, ReadingNotes notes)
    {
        budget.RequireDocument(file, "one JSON object");
        using MixedText text = MixedText.Open(file, budget);
        try
        {
            using JsonDocument document = PythonJson.Parse(text.Reader.ReadToEnd());
            if (DataFrameJson.Rows(document.RootElement, file.Name, budget) is { } frame)
            {
                notes.Add($"'{file.Name}' is a table as pandas writes it ({frame.Orient}).");
                notes.Read(file, text);
                return frame.Rows;
            }

            List<JsonProperty> arrays =
            [
                .. document
                    .RootElement.EnumerateObject()
                    .Where(IsRows)
                    .OrderByDescending(p => p.Value.GetArrayLength()),
            ];
            if (arrays.Count == 0)
            {
                return [Row(new RowPlace(file.Name, 1, 1, 0), document.RootElement, budget)];
            }

            bool areSplits = arrays.Count > 1 && arrays.TrueForAll(a => OwnSplit.Named(a.Name) is not null);
            List<JsonProperty> read = areSplits ? arrays : [arrays[0]];
            notes.Add(
                $"The rows are the elements of {string.Join(", ", read.Select(r => $"'{r.Name}'"))} in '{file.Name}'."
            );
            notes.Read(file, text);
            return
            [
                .. read.SelectMany(a => a.Value.EnumerateArray().Select(e => (Element: e, Array: a.Name)))
                    .Select(
                        (e, i) =>
                            Row(new RowPlace(file.Name, i + 1, 0), e.Element, budget) with
                            {
                                Split = areSplits ? OwnSplit.Named(e.Array) : null,
                            }
                    ),
            ];
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return [.. Lines(file, budget, notes)]; // broken lines, each a row with its fault
        }
    }

    private static bool IsRows(JsonProperty member) =>
        member.Value.ValueKind == JsonValueKind.Array
        && member.Value.EnumerateArray().All(e => e.ValueKind == JsonValueKind.Object);

    private static bool HoldsRows(string text)
    {
        using JsonDocument document = PythonJson.Parse(text);
        if (document.RootElement.ValueKind != JsonValueKind.Object)
        {
            return false;
        }

        string[] arrays =
        [
            .. document
                .RootElement.EnumerateObject()
                .Where(p => IsRows(p) && p.Value.GetArrayLength() > 1)
                .Select(p => p.Name),
        ];
        return (arrays.Length == 1 || (arrays.Length > 1 && arrays.All(a => OwnSplit.Named(a) is not null)))
            && !Layouts.LayoutRecognition.IsRow(document.RootElement.EnumerateObject().Select(p => p.Name));
    }

    /// <summary>A line as it is between others in an array: the comma at its end is no fault.</summary>
    private static string WithoutComma(string line) => line.TrimEnd() is ['{', .., '}', ','] row ? row[..^1] : line;

    private static bool IsJson(string text)
    {
        try
        {
            using JsonDocument _ = PythonJson.Parse(text);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static RawRow Row(RowPlace place, string json, InputBudget budget)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return Row(place, document.RootElement, budget);
        }
        catch (JsonException) when (PythonJson.Repair(json) is { } repaired)
        {
            RawRow row = Row(place, repaired, budget);
            return row.Fault is null ? row : row with { Fields = new Dictionary<string, string> { ["line"] = json } };
        }
        catch (JsonException fault)
        {
            return new RawRow(
                place,
                new Dictionary<string, string> { ["line"] = json },
                $"not a JSON object: {fault.Message}"
            );
        }
    }

    /// <summary>The names of columns: a first list that has a known one, else names by number.</summary>
    private static (string[] Names, bool IsRow) Header(JsonElement first)
    {
        string[] cells = [.. first.EnumerateArray().Select(c => c.ToString().Trim())];
        bool isHeader =
            first.EnumerateArray().All(c => c.ValueKind == JsonValueKind.String)
            && cells.Any(ColumnGuess.IsKnownName)
            && cells.Distinct(StringComparer.Ordinal).Count() == cells.Length;
        return isHeader ? (cells, false) : ([.. cells.Select((_, i) => $"column {i + 1}")], true);
    }

    private static RawRow Row(RowPlace place, JsonElement element, InputBudget budget, string[]? header = null)
    {
        int columns = element.ValueKind switch
        {
            JsonValueKind.Object => element.GetPropertyCount(),
            JsonValueKind.Array => element.GetArrayLength(),
            _ => 0,
        };
        if (columns > budget.Limits.Columns)
        {
            return new RawRow(place, new Dictionary<string, string>(), budget.WideRow(columns));
        }

        if (header is not null && element.ValueKind == JsonValueKind.Array)
        {
            return RawRow.From(
                place,
                element.EnumerateArray().Select((c, i) => (i < header.Length ? header[i] : $"column {i + 1}", c))
            );
        }

        if (element.ValueKind != JsonValueKind.Object)
        {
            return new RawRow(
                place,
                new Dictionary<string, string> { ["line"] = element.GetRawText() },
                $"not a JSON object: it is a {element.ValueKind}"
            );
        }

        try
        {
            return RawRow.From(place, element.EnumerateObject().Select(p => (p.Name, p.Value)));
        }
        catch (InvalidOperationException fault) // half an escape, such as \ud83d alone, is found when the text is taken
        {
            return new RawRow(place, new Dictionary<string, string>(), $"not a JSON object: {fault.Message}");
        }
    }
}
