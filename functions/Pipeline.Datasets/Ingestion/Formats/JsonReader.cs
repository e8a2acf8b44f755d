using System.Text;
using System.Text.Json;
using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Ingestion.Formats;

/// <summary>
/// JSON objects: one a line, or the elements of an array.
/// </summary>
internal static class JsonReader
{
    private const int FirstBuffer = 1 << 16;
    private const int LargestElement = 1 << 28;

    /// <summary>One object a line. A line that is none is a row with a fault.</summary>
    public static IEnumerable<RawRow> Lines(RawFile file, ReadingNotes notes, RowRange? range = null)
    {
        using MixedText text = MixedText.Open(file, range);
        (int rows, int first) = range is null ? (0, 1) : (range.FirstRow - 1, range.FirstLine);
        for (int line = first; text.Reader.ReadLine() is { } json; line++)
        {
            if (string.IsNullOrWhiteSpace(json))
            {
                continue;
            }

            yield return Row(new RowPlace(file.Name, ++rows, line, text.OffsetOf(line)), json);
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
    public static IEnumerable<RawRow> Elements(RawFile file, ReadingNotes notes)
    {
        using MixedText text = MixedText.Open(file);
        using Stream utf8 = text.AsUtf8();
        var window = new Window(utf8, new byte[FirstBuffer]);
        int rows = 0;
        bool more = true;
        while (more)
        {
            (more, JsonElement? element, string? fault) = window.Next();
            if (element is not null || fault is not null)
            {
                var place = new RowPlace(file.Name, ++rows, 0, text.IsAsItWas ? window.ElementStart : -1);
                yield return fault is null
                    ? Row(place, element!.Value)
                    : new RawRow(
                        place,
                        new Dictionary<string, string> { ["line"] = window.Excerpt() },
                        $"the array is broken here, and nothing after it can be read: {fault}"
                    );
            }
        }

        notes.Read(file, text);
    }

    /// <summary>
    /// Objects a line; or one object over many lines, whose rows are the elements of its array of objects, such as
    /// <c>data</c>.
    /// </summary>
    public static IEnumerable<RawRow> LinesOrOne(RawFile file, ReadingNotes notes)
    {
        using (MixedText text = MixedText.Open(file))
        {
            string? first = text.Reader.ReadLine();
            while (first is not null && first.Trim().Length == 0)
            {
                first = text.Reader.ReadLine();
            }

            // One line alone that holds an array of objects is the whole, as it would be over many lines.
            string? second = text.Reader.ReadLine();
            while (second is not null && second.Trim().Length == 0)
            {
                second = text.Reader.ReadLine();
            }

            if (
                first is not null
                && IsJson(first)
                && !(second is null && (HoldsRows(first) || DataFrameJson.IsTable(first)))
            )
            {
                return Lines(file, notes);
            }
        }

        return Inside(file, notes);
    }

    private static List<RawRow> Inside(RawFile file, ReadingNotes notes)
    {
        using MixedText text = MixedText.Open(file);
        try
        {
            using JsonDocument document = JsonDocument.Parse(text.Reader.ReadToEnd());
            if (DataFrameJson.Rows(document.RootElement, file.Name) is { } frame)
            {
                notes.Add($"'{file.Name}' is a table as pandas writes it ({frame.Orient}).");
                notes.Read(file, text);
                return frame.Rows;
            }

            JsonProperty? array = document
                .RootElement.EnumerateObject()
                .Where(p =>
                    p.Value.ValueKind == JsonValueKind.Array
                    && p.Value.EnumerateArray().All(e => e.ValueKind == JsonValueKind.Object)
                )
                .OrderByDescending(p => p.Value.GetArrayLength())
                .Cast<JsonProperty?>()
                .FirstOrDefault();
            if (array is not { } rows)
            {
                return [Row(new RowPlace(file.Name, 1, 1, 0), document.RootElement)];
            }

            notes.Add($"The rows are the elements of '{rows.Name}' in '{file.Name}'.");
            notes.Read(file, text);
            return [.. rows.Value.EnumerateArray().Select((e, i) => Row(new RowPlace(file.Name, i + 1, 0), e))];
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return [.. Lines(file, notes)]; // broken lines, each a row with its fault
        }
    }

    private static bool HoldsRows(string text)
    {
        using JsonDocument document = JsonDocument.Parse(text);
        return document.RootElement.ValueKind == JsonValueKind.Object
            && document
                .RootElement.EnumerateObject()
                .Count(p =>
                    p.Value.ValueKind == JsonValueKind.Array
                    && p.Value.GetArrayLength() > 1
                    && p.Value.EnumerateArray().All(e => e.ValueKind == JsonValueKind.Object)
                ) == 1
            && !Layouts.LayoutRecognition.IsRow(document.RootElement.EnumerateObject().Select(p => p.Name));
    }

    private static bool IsJson(string text)
    {
        try
        {
            using JsonDocument _ = JsonDocument.Parse(text);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static RawRow Row(RowPlace place, string json)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return Row(place, document.RootElement);
        }
        catch (JsonException) when (PythonJson.Repair(json) is { } repaired)
        {
            RawRow row = Row(place, repaired);
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

    private static RawRow Row(RowPlace place, JsonElement element)
    {
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

    /// <summary>A part of the stream that is looked at, as wide as the widest element so far.</summary>
    private sealed class Window(Stream stream, byte[] first)
    {
        private byte[] _buffer = first;
        private int _start;
        private int _end;
        private long _consumed;
        private bool _ended;
        private bool _inArray;
        private JsonReaderState _state = new(
            new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true }
        );

        /// <summary>The byte at which the last element begins.</summary>
        public long ElementStart { get; private set; }

        /// <summary>The next element; nothing at the end; a fault where the text is not JSON.</summary>
        public (bool More, JsonElement? Element, string? Fault) Next()
        {
            while (true)
            {
                var reader = new Utf8JsonReader(_buffer.AsSpan(_start, _end - _start), _ended, _state);
                try
                {
                    if (!_inArray)
                    {
                        if (reader.Read())
                        {
                            _inArray = true;
                            Keep(ref reader);
                            continue;
                        }
                    }
                    else
                    {
                        if (reader.Read())
                        {
                            if (reader.TokenType == JsonTokenType.EndArray)
                            {
                                Keep(ref reader);
                                return More() ? (false, null, "something follows the array") : (false, null, null);
                            }

                            long at = reader.TokenStartIndex;
                            if (JsonElement.TryParseValue(ref reader, out JsonElement? element))
                            {
                                ElementStart = _consumed + at;
                                Keep(ref reader);
                                return (true, element, null);
                            }
                        }
                    }
                }
                catch (JsonException fault)
                {
                    ElementStart = _consumed;
                    return (false, null, fault.Message);
                }

                if (_ended)
                {
                    return (false, null, "it ends in the middle");
                }

                Fill();
            }
        }

        /// <summary>Whether anything but blanks stands after the array.</summary>
        private bool More()
        {
            do
            {
                for (; _start < _end; _start++, _consumed++)
                {
                    if (_buffer[_start] is not ((byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n' or 0))
                    {
                        ElementStart = _consumed;
                        return true;
                    }
                }

                Fill();
            } while (!_ended);
            return false;
        }

        /// <summary>What stands where reading stopped, for people.</summary>
        public string Excerpt() => Encoding.UTF8.GetString(_buffer, _start, Math.Min(200, _end - _start));

        private void Keep(ref Utf8JsonReader reader)
        {
            _start += (int)reader.BytesConsumed;
            _consumed += reader.BytesConsumed;
            _state = reader.CurrentState;
        }

        private void Fill()
        {
            if (_start > 0)
            {
                _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
                (_start, _end) = (0, _end - _start);
            }

            if (_end == _buffer.Length)
            {
                if (_buffer.Length >= LargestElement)
                {
                    throw new DatasetException(
                        DatasetException.UnreadableFile,
                        $"An element of the JSON array is longer than {LargestElement:N0} bytes."
                    );
                }

                Array.Resize(ref _buffer, 2 * _buffer.Length);
            }

            int read = stream.Read(_buffer, _end, _buffer.Length - _end);
            _end += read;
            _ended = read == 0;
            if (_consumed == 0 && !_inArray && _buffer.AsSpan(_start, _end - _start).StartsWith(Encoding.UTF8.Preamble))
            {
                (_start, _consumed) = (_start + 3, 3); // a byte order mark is not JSON
            }
        }
    }
}
