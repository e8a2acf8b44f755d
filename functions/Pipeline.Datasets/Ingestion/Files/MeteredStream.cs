namespace Pipeline.Datasets.Ingestion.Files;

/// <summary>
/// A stream of which only so many bytes are given out, for readers that keep what they read: the list of an archive's
/// files, the headers of one.
/// </summary>
/// <param name="inner">Owned; seekable.</param>
/// <param name="allowance">Bytes that may be read.</param>
/// <param name="fault">What is wrong when more are.</param>
internal sealed class MeteredStream(Stream inner, long allowance, string fault) : Stream
{
    private long _left = allowance;

    public override bool CanRead => true;
    public override bool CanSeek => true;
    public override bool CanWrite => false;
    public override long Length => inner.Length;

    public override long Position
    {
        get => inner.Position;
        set => inner.Position = value;
    }

    /// <summary>Gives out as much as is read from now on.</summary>
    public void Open() => Allow(long.MaxValue / 2);

    /// <summary>Gives out so many bytes from now on.</summary>
    public void Allow(long bytes) => _left = bytes;

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        int read = inner.Read(buffer[..(int)Math.Min(buffer.Length, _left + 1)]);
        _left -= read;
        return _left >= 0 ? read : throw new InvalidDataException(fault);
    }

    public override long Seek(long offset, SeekOrigin origin) => inner.Seek(offset, origin);

    public override void Flush() { }

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
}
