using System.Text;

namespace Pipeline.Datasets.Ingestion.Rows;

/// <summary>
/// Lines of a text, none longer in memory than a limit: of a longer one the beginning is given, and the rest is passed
/// over. A line ends as for <see cref="TextReader.ReadLine"/>.
/// </summary>
/// <param name="text">Stays the caller's.</param>
/// <param name="maxCharacters">Characters of a line.</param>
internal sealed class BoundedLines(TextReader text, int maxCharacters)
{
    private const int ExcerptCharacters = 200;
    private readonly char[] _buffer = new char[1 << 14];
    private int _at;
    private int _end;

    /// <summary>Whether the last line was longer than the limit.</summary>
    public bool IsCut { get; private set; }

    /// <summary>The next line; of one that is too long its first 200 characters; <c>null</c>: the text has
    /// ended.</summary>
    public string? ReadLine()
    {
        IsCut = false;
        if (_at == _end && !Fill())
        {
            return null;
        }

        StringBuilder? begun = null;
        do
        {
            ReadOnlySpan<char> rest = _buffer.AsSpan(_at, _end - _at);
            int length = rest.IndexOfAny('\r', '\n');
            if (length >= 0)
            {
                string line = Take(begun, rest[..length]);
                PassLineEnd(length);
                return line;
            }

            begun = Keep(begun ?? new StringBuilder(), rest);
            _at = _end;
        } while (Fill());
        return begun.ToString();
    }

    private string Take(StringBuilder? begun, ReadOnlySpan<char> rest)
    {
        if (begun is null && rest.Length <= maxCharacters)
        {
            return rest.ToString();
        }

        return Keep(begun ?? new StringBuilder(), rest).ToString();
    }

    private StringBuilder Keep(StringBuilder begun, ReadOnlySpan<char> more)
    {
        if (!IsCut && begun.Length + (long)more.Length <= maxCharacters)
        {
            return begun.Append(more);
        }

        if (!IsCut)
        {
            IsCut = true;
            begun.Append(more[..Math.Min(more.Length, ExcerptCharacters)]);
            // the memory of what was gathered is given back
            return new StringBuilder(begun.ToString(0, Math.Min(begun.Length, ExcerptCharacters)));
        }

        return begun;
    }

    private void PassLineEnd(int length)
    {
        bool isReturn = _buffer[_at + length] == '\r';
        _at += length + 1;
        if (isReturn && (_at < _end || Fill()) && _buffer[_at] == '\n')
        {
            _at++;
        }
    }

    private bool Fill()
    {
        _at = 0;
        _end = text.Read(_buffer, 0, _buffer.Length);
        return _end > 0;
    }
}
