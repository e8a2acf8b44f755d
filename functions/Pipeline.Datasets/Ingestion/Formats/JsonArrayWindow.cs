using System.Text;
using System.Text.Json;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Ingestion.Formats;

/// <summary>
/// The elements of a JSON array, one at a time: a part of the stream, as wide as the widest element so far.
/// </summary>
internal sealed class JsonArrayWindow(Stream stream, InputBudget budget)
{
    private const int FirstBuffer = 1 << 16;
    private byte[] _buffer = new byte[FirstBuffer];
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

    /// <summary>
    /// The next element; nothing at the end; a fault where the text is not JSON, or in the place of an element that is
    /// too long.
    /// </summary>
    public (bool More, JsonElement? Element, string? Fault) Next()
    {
        while (true)
        {
            try
            {
                if (Step() is { } step)
                {
                    return step;
                }
            }
            catch (JsonException) when (PythonJson.RepairBytes(_buffer.AsSpan(_start, _end - _start)))
            {
                continue;
            }
            catch (JsonException) when (!_ended && PythonJson.EndsInWord(_buffer.AsSpan(_start, _end - _start)))
            {
                // the word goes on in what was not read yet
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

            if (!Fill())
            {
                return PassOver();
            }
        }
    }

    /// <summary>Reads on in what is held; <c>null</c>: more must be read for it.</summary>
    private (bool More, JsonElement? Element, string? Fault)? Step()
    {
        var reader = new Utf8JsonReader(_buffer.AsSpan(_start, _end - _start), _ended, _state);
        if (!_inArray && reader.Read())
        {
            _inArray = true;
            Keep(ref reader);
            reader = new Utf8JsonReader(_buffer.AsSpan(_start, _end - _start), _ended, _state);
        }

        if (!_inArray || !reader.Read())
        {
            return null;
        }

        if (reader.TokenType == JsonTokenType.EndArray)
        {
            Keep(ref reader);
            return More() ? (false, null, "something follows the array") : (false, null, null);
        }

        long at = reader.TokenStartIndex;
        if (!JsonElement.TryParseValue(ref reader, out JsonElement? element))
        {
            return null;
        }

        ElementStart = _consumed + at;
        Keep(ref reader);
        return (true, element, null);
    }

    /// <summary>Passes over an element that is too long, token by token.</summary>
    private (bool More, JsonElement? Element, string? Fault) PassOver()
    {
        ElementStart = _consumed;
        do
        {
            var reader = new Utf8JsonReader(_buffer.AsSpan(_start, _end - _start), _ended, _state);
            try
            {
                while (reader.Read())
                {
                    if (
                        reader.CurrentDepth == 1
                        && reader.TokenType is not (JsonTokenType.StartObject or JsonTokenType.StartArray)
                    )
                    {
                        Keep(ref reader);
                        return (true, null, budget.LongRow);
                    }
                }
            }
            catch (JsonException) when (PythonJson.RepairBytes(_buffer.AsSpan(_start, _end - _start)))
            {
                continue;
            }
            catch (JsonException fault)
            {
                return (false, null, fault.Message);
            }

            Keep(ref reader);
        } while (!_ended && Fill());
        return (false, null, _ended ? "it ends in the middle" : budget.LongRow);
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

            _ = Fill();
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

    /// <summary>Reads on; <c>false</c>: what is held has the length that an element may have.</summary>
    private bool Fill()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }

        if (_end == _buffer.Length)
        {
            if (_buffer.Length >= budget.RowCharacters)
            {
                return false;
            }

            Array.Resize(ref _buffer, 2 * _buffer.Length);
        }

        int wanted = _buffer.Length - _end;
        int read = stream.ReadAtLeast(_buffer.AsSpan(_end), wanted, throwOnEndOfStream: false);
        _end += read;
        _ended = read < wanted;
        if (_consumed == 0 && !_inArray && _buffer.AsSpan(_start, _end - _start).StartsWith(Encoding.UTF8.Preamble))
        {
            (_start, _consumed) = (_start + 3, 3); // a byte order mark is not JSON
        }

        return true;
    }
}
