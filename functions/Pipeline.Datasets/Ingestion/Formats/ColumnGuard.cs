namespace Pipeline.Datasets.Ingestion.Formats;

/// <summary>
/// Passes a text of delimited values through and counts the cells of each row, by RFC 4180's quotes. The reader behind it
/// takes the square of a row's cells, so that a row of a million must not reach it.
/// </summary>
/// <param name="inner">Stays the caller's.</param>
/// <param name="delimiter">The separator; <c>null</c>: not known, and each usual one counts by itself.</param>
/// <param name="hasQuotes">Whether quotation marks are the format's.</param>
/// <param name="maxColumns">Cells that a row may have.</param>
internal sealed class ColumnGuard(TextReader inner, char? delimiter, bool hasQuotes, int maxColumns) : TextReader
{
    private readonly char[] _delimiters = delimiter is { } known ? [known] : [',', '\t', ';', '|'];
    private readonly int[] _columns = new int[delimiter is null ? 4 : 1];
    private Place _place;

    public override int Read(char[] buffer, int index, int count) => Read(buffer.AsSpan(index, count));

    /// <exception cref="RowTooWideException">A row has too many cells.</exception>
    public override int Read(Span<char> buffer)
    {
        int read = inner.Read(buffer);
        Count(buffer[..read]);
        return read;
    }

    public override int Read()
    {
        Span<char> one = stackalloc char[1];
        return Read(one) == 0 ? -1 : one[0];
    }

    public override int Peek() => inner.Peek();

    private void Count(ReadOnlySpan<char> text)
    {
        for (int at = 0; at < text.Length; at++)
        {
            if (_place == Place.Quoted)
            {
                int quote = text[at..].IndexOf('"');
                if (quote < 0)
                {
                    return;
                }

                at += quote;
                _place = Place.AfterQuote;
                continue;
            }

            char c = text[at];
            if (c == '"' && hasQuotes && _place != Place.Plain)
            {
                _place = Place.Quoted; // the beginning of a cell, or the second of two quotation marks
            }
            else if (c is '\r' or '\n')
            {
                Array.Clear(_columns);
                _place = Place.Start;
            }
            else
            {
                _place = TakeDelimiter(c) ? Place.Start : Place.Plain;
            }
        }
    }

    private bool TakeDelimiter(char c)
    {
        int index = Array.IndexOf(_delimiters, c);
        if (index < 0)
        {
            return false;
        }

        _columns[index]++;
        return _columns[index] < maxColumns ? true : throw new RowTooWideException();
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
