using MimeKit;
using MimeKit.IO;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Ingestion.Formats;

/// <summary>
/// Where the mails of a file begin and end, and whether each is within the budget: its bytes, its parts and headers and
/// how deep they lie are counted without keeping any.
/// </summary>
internal sealed class MailBounds : MimeReader
{
    /// <summary>Parts and headers of a mail; no setting raises it.</summary>
    private const int MaxParts = 10_000;
    private readonly List<Mail> _mails = [];
    private readonly InputBudget _budget;
    private int _messages;
    private int _depth;
    private int _deepest;
    private long _parts;

    private MailBounds(Stream stream, bool isMbox, InputBudget budget)
        : base(stream, isMbox ? MimeFormat.Mbox : MimeFormat.Entity) => _budget = budget;

    /// <summary>The mails of a file; empty: it holds none.</summary>
    public static IReadOnlyList<Mail> Find(RawFile file, InputBudget budget)
    {
        // MimeReader never ends where a file breaks off behind the carriage return of a mbox's mark.
        using var stream = new ChainedStream();
        stream.Add(file.Open());
        stream.Add(new MemoryStream("\n"u8.ToArray()));
        var bounds = new MailBounds(stream, file.Head(5).AsSpan().SequenceEqual("From "u8), budget);
        try
        {
            long end = -1;
            while (!bounds.IsEndOfStream && bounds._mails.Count <= budget.Limits.Rows)
            {
                bounds.ReadMessage();
                if (bounds._mails is not [.., var last] || last.End <= end)
                {
                    break; // damaged: the reader does not come any further
                }

                end = last.End;
            }
        }
        catch (FormatException)
        {
            // what follows is not a mail
        }

        return [.. bounds._mails.Select(m => m with { End = Math.Min(m.End, file.Length) })];
    }

    protected override void OnMimeMessageBegin(
        long beginOffset,
        int beginLineNumber,
        CancellationToken cancellationToken
    )
    {
        if (_messages++ == 0)
        {
            (_depth, _deepest, _parts) = (0, 0, 0);
        }
    }

    protected override void OnMimeMessageEnd(
        long beginOffset,
        int beginLineNumber,
        long headersEndOffset,
        long endOffset,
        int lines,
        CancellationToken cancellationToken
    )
    {
        if (--_messages > 0)
        {
            return;
        }

        long megabytes = (endOffset - beginOffset) >> 20;
        string? fault =
            megabytes >= _budget.Limits.DocumentMegabytes
                ? $"the mail has {megabytes:N0} megabytes; "
                    + InputBudget.Raise(nameof(_budget.Limits.DocumentMegabytes))
            : _parts > MaxParts ? $"the mail has {_parts:N0} parts and headers; at most {MaxParts:N0} are read"
            : _deepest > InputBudget.MaxDepth
                ? $"the parts of the mail lie more than {InputBudget.MaxDepth} deep in each other"
            : null;
        _mails.Add(new Mail(beginOffset, endOffset, beginLineNumber, fault));
    }

    protected override void OnHeaderRead(Header header, int beginLineNumber, CancellationToken cancellationToken) =>
        _parts++;

    protected override void OnMimePartBegin(
        ContentType contentType,
        long beginOffset,
        int beginLineNumber,
        CancellationToken cancellationToken
    ) => _parts++;

    protected override void OnMultipartBegin(
        ContentType contentType,
        long beginOffset,
        int beginLineNumber,
        CancellationToken cancellationToken
    ) => Enter();

    protected override void OnMultipartEnd(
        ContentType contentType,
        long beginOffset,
        int beginLineNumber,
        long headersEndOffset,
        long endOffset,
        int lines,
        CancellationToken cancellationToken
    ) => _depth--;

    protected override void OnMessagePartBegin(
        ContentType contentType,
        long beginOffset,
        int beginLineNumber,
        CancellationToken cancellationToken
    ) => Enter();

    protected override void OnMessagePartEnd(
        ContentType contentType,
        long beginOffset,
        int beginLineNumber,
        long headersEndOffset,
        long endOffset,
        int lines,
        CancellationToken cancellationToken
    ) => _depth--;

    private void Enter()
    {
        _parts++;
        _depth++;
        _deepest = Math.Max(_deepest, _depth);
    }

    /// <summary>A mail of a file.</summary>
    /// <param name="Start">The byte at which it begins.</param>
    /// <param name="End">The byte behind it.</param>
    /// <param name="Line">The line on which it begins, from 1.</param>
    /// <param name="Fault">Why it is not read; <c>null</c>: it is.</param>
    internal readonly record struct Mail(long Start, long End, int Line, string? Fault);
}
