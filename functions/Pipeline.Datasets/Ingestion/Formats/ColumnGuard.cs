using System.Buffers;

namespace Pipeline.Datasets.Ingestion.Formats;

/// <summary>
/// Passes a text of delimited values through and counts the cells of each row, by RFC 4180's quotes. The reader behind
/// it takes the square of a row's cells, so that a row of a million must not reach it; all rows before it do.
/// </summary>
/// <param name="inner">Stays the caller's.</param>
/// <param name="delimiter">The separator; <c>null</c>: not known, and each usual one counts by itself.</param>
/// <param name="hasQuotes">Whether quotation marks are the format's.</param>
/// <param name="maxColumns">Cells that a row may have.</param>
internal sealed class ColumnGuard(TextReader inner, char? delimiter, bool hasQuotes, int maxColumns) : TextReader
{
    private readonly char[] _delimiters = delimiter is { } known ? [known] : [',', '\t', ';', '|'];
    private readonly SearchValues<char> _ends = SearchValues.Create(
        delimiter is { } known ? $"{known}\r\n" : ",\t;|\r\n"
    );
    private readonly int[] _columns = new int[delimiter is null ? 4 : 1];
    private Place _place;
    private bool _isTooWide;

    public override int Read(char[] buffer, int index, int count) => Read(buffer.AsSpan(index, count));

    /// <exception cref="RowTooWideException">The next row has too many cells.</exception>
    public override int Read(Span<char> buffer)
    {
        int read = _isTooWide ? 0 : inner.Read(buffer);
        int before = _isTooWide ? 0 : BeforeWideRow(buffer[..read]);
        _isTooWide |= before < read;
        return before > 0 || !_isTooWide ? before : throw new RowTooWideException();
    }

    public override int Read()
    {
        Span<char> one = stackalloc char[1];
        return Read(one) == 0 ? -1 : one[0];
    }

    public override int Peek() => inner.Peek();

    /// <summary>Characters before the row that is too wide; all where none is.</summary>
    private int BeforeWideRow(ReadOnlySpan<char> text)
    {
        int rowStart = 0;
        for (int at = 0; at < text.Length; at++)
        {
            if (_place is Place.Quoted or Place.Plain)
            {
                int length = _place == Place.Quoted ? text[at..].IndexOf('"') : text[at..].IndexOfAny(_ends);
                if (length < 0)
                {
                    break;
                }

                at += length;
            }

            char c = text[at];
            if (_place == Place.Quoted)
            {
                _place = Place.AfterQuote;
            }
            else if (c == '"' && hasQuotes && _place != Place.Plain)
            {
                _place = Place.Quoted; // the beginning of a cell, or the second of two quotation marks
            }
            else if (c is '\r' or '\n')
            {
                Array.Clear(_columns);
                (_place, rowStart) = (Place.Start, at + 1);
            }
            else if (Array.IndexOf(_delimiters, c) is >= 0 and var index)
            {
                _place = Place.Start;
                if (++_columns[index] == maxColumns)
                {
                    return rowStart;
                }
            }
            else
            {
                _place = Place.Plain;
            }
        }

        return text.Length;
    }

    private enum Place
    {
        Start,
        Plain,
        Quoted,
        AfterQuote,
    }
}

/// <summary>A row has more cells than one may have.</summary>
internal sealed class RowTooWideException : Exception
{
    public RowTooWideException()
        : base("A row has too many cells.") { }

    public RowTooWideException(string message)
        : base(message) { }

    public RowTooWideException(string message, Exception inner)
        : base(message, inner) { }
}
