namespace Pipeline.Datasets.Ingestion.Rows;

/// <summary>
/// Passes a stream through and notes where its lines begin, so that a row can say at which byte it stands.
/// </summary>
/// <param name="inner">Owned; standing at the range's start.</param>
/// <param name="width">Bytes of a line feed in the stream's encoding.</param>
/// <param name="range">What is read of it.</param>
internal sealed class LineOffsets(Stream inner, int width, RowRange range) : Stream
{
    private readonly Queue<long> _starts = new([range.Start]); // of the lines from _first on
    private int _first = range.FirstLine;
    private long _position = range.Start;
    private int _zeros;
    private bool _afterReturn; // the last byte was a carriage return: a line ends with it unless a line feed follows

    /// <summary>Whether a carriage return without a line feed was met.</summary>
    public bool HasLoneReturns { get; private set; }

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => inner.Length;

    public override long Position
    {
        get => _position;
        set => throw new NotSupportedException();
    }

    /// <summary>
    /// The byte at which a line begins, from 1; lines before it are forgotten. -1 when it is not known.
    /// </summary>
    public long OffsetOf(int line)
    {
        while (_first < line && _starts.Count > 0)
        {
            _starts.Dequeue();
            _first++;
        }

        return _first == line && _starts.Count > 0 ? _starts.Peek() : -1;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        int read = inner.Read(buffer[..(int)Math.Min(buffer.Length, range.End - _position)]);
        Span<byte> got = buffer[..read];
        if (width == 1)
        {
            Narrow(got);
        }
        else
        {
            Wide(got);
        }

        _position += read;
        return read;
    }

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>
    /// A line ends with a line feed, or with a carriage return that none follows, as StreamReader has it.
    /// </summary>
    private void Narrow(ReadOnlySpan<byte> bytes)
    {
        if (_afterReturn && bytes.Length > 0)
        {
            _afterReturn = false;
            if (bytes[0] != '\n')
            {
                HasLoneReturns = true;
                _starts.Enqueue(_position);
            }
        }

        for (int at = 0, found; (found = bytes[at..].IndexOfAny((byte)'\n', (byte)'\r')) >= 0; at += found + 1)
        {
            int end = at + found;
            HasLoneReturns |= bytes[end] == '\r' && end + 1 < bytes.Length && bytes[end + 1] != '\n';
            if (bytes[end] == '\n' || (end + 1 < bytes.Length && bytes[end + 1] != '\n'))
            {
                _starts.Enqueue(_position + end + 1);
            }

            _afterReturn = bytes[end] == '\r' && end + 1 == bytes.Length;
        }
    }

    /// <summary>A unit of a line feed has the byte 10 and otherwise zeros, in either order.</summary>
    private void Wide(ReadOnlySpan<byte> bytes)
    {
        for (int i = 0; i < bytes.Length; i++)
        {
            long at = _position + i;
            _zeros = at % width == 0 ? 0 : _zeros;
            _zeros +=
                bytes[i] == 0 ? 1
                : bytes[i] == '\n' ? 0
                : width + 1;
            if (at % width == width - 1 && _zeros == width - 1)
            {
                _starts.Enqueue(at + 1);
            }
        }
    }
}
