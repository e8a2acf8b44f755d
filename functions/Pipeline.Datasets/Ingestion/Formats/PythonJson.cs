using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Pipeline.Datasets.Ingestion.Formats;

/// <summary>
/// JSON as Python's json.dumps writes it where it is not JSON: NaN, Infinity and -Infinity as bare words.
/// </summary>
internal static class PythonJson
{
    private static readonly SearchValues<byte> BeforeWords = SearchValues.Create(" \t\r\n:,[{"u8);
    private static readonly string[] TextWords = ["-Infinity", "Infinity", "-NaN", "NaN"];
    private static readonly (byte[] Word, byte[] Value)[] ByteWords =
    [
        ("-Infinity"u8.ToArray(), "null     "u8.ToArray()),
        ("Infinity"u8.ToArray(), "null    "u8.ToArray()),
        ("NaN"u8.ToArray(), "\"\" "u8.ToArray()),
    ];

    /// <summary>A text as JSON, with null in the place of these words.</summary>
    /// <exception cref="JsonException">Something else in it is not JSON.</exception>
    public static JsonDocument Parse(string json)
    {
        try
        {
            return JsonDocument.Parse(json);
        }
        catch (JsonException) when (Repair(json) is { } repaired)
        {
            return JsonDocument.Parse(repaired);
        }
    }

    /// <summary>
    /// The text with null in the place of these words; <c>null</c>: there is none, and nothing to repair.
    /// </summary>
    public static string? Repair(string json)
    {
        StringBuilder? repaired = null;
        int copied = 0;
        for (int i = 0; i < json.Length; i++)
        {
            if (json[i] == '"')
            {
                i = EndOfString(json, i);
            }
            else if (json[i] is '-' or 'N' or 'I' && WordAt(json, i) is { } length)
            {
                repaired ??= new StringBuilder(json.Length);
                repaired.Append(json, copied, i - copied).Append("null");
                copied = i + length;
                i = copied - 1;
            }
        }

        return repaired?.Append(json, copied, json.Length - copied).ToString();
    }

    /// <summary>Characters of the word that stands at a place by itself; <c>null</c>: none does.</summary>
    private static int? WordAt(string json, int at)
    {
        static bool GoesOn(string json, int at) =>
            at >= 0 && at < json.Length && (char.IsLetterOrDigit(json[at]) || json[at] is '_' or '.');
        if (GoesOn(json, at - 1))
        {
            return null;
        }

        foreach (string word in TextWords)
        {
            if (string.CompareOrdinal(json, at, word, 0, word.Length) == 0 && !GoesOn(json, at + word.Length))
            {
                return word.Length;
            }
        }

        return null;
    }

    private static int EndOfString(string json, int start)
    {
        for (int i = start + 1; i < json.Length; i++)
        {
            if (json[i] == '\\')
            {
                i++;
            }
            else if (json[i] == '"')
            {
                return i;
            }
        }

        return json.Length;
    }

    /// <summary>
    /// Puts values of the same length in the place of these words, so that nothing moves: an empty text for NaN, null
    /// for the others.
    /// </summary>
    /// <param name="json">UTF-8, beginning outside of any string.</param>
    /// <returns>Whether there were any.</returns>
    public static bool RepairBytes(Span<byte> json)
    {
        bool any = false;
        for (int i = 0; i < json.Length; i++)
        {
            if (json[i] == (byte)'"')
            {
                i = EndOfString(json, i);
                continue;
            }

            foreach ((byte[] word, byte[] value) in ByteWords)
            {
                if (json[i..].StartsWith(word))
                {
                    value.CopyTo(json[i..]);
                    i += word.Length - 1; // over the value, which has quotes of its own
                    any = true;
                    break;
                }
            }
        }

        return any;
    }

    /// <summary>Whether the beginning of such a word stands at the end.</summary>
    public static bool EndsInWord(ReadOnlySpan<byte> json)
    {
        int at = json.LastIndexOfAny(BeforeWords) + 1;
        ReadOnlySpan<byte> tail = json[at..];
        foreach ((byte[] word, _) in ByteWords)
        {
            if (tail.Length > 0 && tail.Length < word.Length && word.AsSpan().StartsWith(tail))
            {
                return true;
            }
        }

        return false;
    }

    private static int EndOfString(ReadOnlySpan<byte> json, int start)
    {
        for (int i = start + 1; i < json.Length; i++)
        {
            if (json[i] == (byte)'\\')
            {
                i++;
            }
            else if (json[i] == (byte)'"')
            {
                return i;
            }
        }

        return json.Length;
    }
}
