using System.Text;
using Pipeline.Contracts;
using Pipeline.Datasets.Auditing;
using Pipeline.Datasets.Splitting;

namespace Pipeline.Datasets.Building;

/// <summary>
/// The rows of all parts: each new one accepted, each that repeats an earlier one rejected. Their text stays in the
/// parts.
/// </summary>
internal sealed class PartRows : IDisposable
{
    private readonly List<Stream> _parts = [];
    private readonly HashSet<int> _corrections = [];
    private readonly SignatureStore _signatures = new();
    private readonly Dictionary<UInt128, int> _seen = [];
    private readonly SortedDictionary<string, int> _reasons = new(StringComparer.Ordinal);
    private readonly HashingFileWriter _rejected;
    private readonly bool _plain;
    private int _longest;

    /// <summary>No rows yet.</summary>
    /// <param name="rejectedPath">Where rejected rows are written.</param>
    /// <param name="plain">Whether they are plain texts, without answers that could differ.</param>
    public PartRows(string rejectedPath, bool plain) =>
        (_rejected, _plain) = (new HashingFileWriter(rejectedPath), plain);

    /// <summary>Accepted rows in the order read.</summary>
    public List<KeptRow> Accepted { get; } = [];

    /// <summary>All rows.</summary>
    public int Count { get; private set; }

    /// <summary>Those of them that are people's corrections.</summary>
    public int CorrectionCount { get; private set; }

    /// <summary>Those of them that a reviewer with a key has decided.</summary>
    public int NamedCorrections { get; private set; }

    /// <summary>Whether an accepted row is a person's correction.</summary>
    public bool IsCorrection(int row) => _corrections.Contains(Accepted[row].Line.Part);

    /// <summary>Rejected rows by reason.</summary>
    public IReadOnlyDictionary<string, int> Reasons => _reasons;

    /// <summary>
    /// Takes up the parts, in the plan's order. Of rows that say the same the first is kept; where the data has a split
    /// of its own, its test rows come before its validation rows and these before the rest.
    /// </summary>
    /// <param name="parts">The parts.</param>
    /// <param name="hasOwnSplit">Whether the data has a split of its own.</param>
    public void Add(IReadOnlyList<RowPart> parts, bool hasOwnSplit)
    {
        _parts.AddRange(parts.Select(p => p.Part));
        _corrections.UnionWith(parts.Index().Where(p => p.Item.IsCorrections).Select(p => p.Index));
        Split?[] sides = hasOwnSplit ? [Split.Test, Split.Validation, null] : [null];
        foreach (Split? side in sides)
        {
            foreach ((int number, RowPart part) in parts.Index())
            {
                Add(number, part.Kind, side, hasOwnSplit);
            }
        }
    }

    /// <summary>
    /// Takes up those rows of a part that are on a side; with <c>null</c> the rest, rejected ones too.
    /// </summary>
    private void Add(int number, RowKind kind, Split? side, bool hasOwnSplit)
    {
        Stream part = _parts[number];
        part.Position = 0;
        using var reader = new BinaryReader(part, Encoding.UTF8, leaveOpen: true);
        while (PartFile.Read(reader, out (string Reason, byte[] Line)? rejected, out AcceptedRow? row))
        {
            Split? own =
                !hasOwnSplit || row is null ? null
                : kind is RowKind.TestSet or RowKind.Guard ? Split.Test
                : row.Side is Split.Test or Split.Validation ? row.Side
                : null;
            if (own != side)
            {
                continue;
            }

            Count++;
            CorrectionCount += _corrections.Contains(number) ? 1 : 0;
            NamedCorrections += _corrections.Contains(number) && kind != RowKind.Unnamed ? 1 : 0;
            if (rejected is { } left)
            {
                Reject(left.Reason, left.Line);
            }
            else if (_seen.TryGetValue(row!.Key, out int first))
            {
                long at = part.Position;
                RejectRepeated(number, row, Accepted[first]);
                part.Position = at;
            }
            else
            {
                Accept(number, row, KindOf(kind, own));
            }
        }
    }

    private static RowKind KindOf(RowKind kind, Split? side) =>
        side switch
        {
            _ when kind == RowKind.Guard => kind,
            Split.Test => RowKind.TestSet,
            Split.Validation => RowKind.ValidationSet,
            _ => kind,
        };

    private void Accept(int number, AcceptedRow row, RowKind kind)
    {
        _seen[row.Key] = Accepted.Count;
        _longest = Math.Max(_longest, row.Measure.Tokens);
        RowLine Line(ByteRange line, RowMeasure measure, uint[] signature) =>
            new(number, line, row.Split.Label, measure, _signatures.Add(signature));
        Accepted.Add(
            new KeptRow(
                kind,
                row.Answer,
                row.Split,
                Line(row.Line, row.Measure, row.Signature),
                row.Fields,
                [.. row.Pieces.Select(p => Line(p.Line, p.Measure, p.Signature))]
            )
        );
    }

    /// <summary>The accepted rows of a kind, by their indices.</summary>
    public List<int> OfKind(RowKind kind) =>
        [.. Enumerable.Range(0, Accepted.Count).Where(i => Accepted[i].Kind == kind)];

    /// <summary>Clusters lines by their prompts; for each the index of the first of its cluster.</summary>
    public int[] Cluster(IEnumerable<RowLine> lines) =>
        NearDuplicates.Cluster(_signatures, [.. lines.Select(l => l.Signature)]);

    /// <summary>Rejects a row that is nearly the same as another.</summary>
    public void RejectNear(int row, int like)
    {
        (Example example, Example other) = (Example(Accepted[row].Line), Example(Accepted[like].Line));
        string contradiction = other.Label is { } label && label != example.Label ? $", which says '{label}'" : "";
        Reject(
            new RejectedRow(
                example.Id,
                RejectionOutcome.Duplicate,
                RejectionReason.NearDuplicate,
                $"nearly the same as {other.Id}{WhereOf(Accepted[like].Kind)}{contradiction}",
                other.Id,
                example.Source,
                Fields(Accepted[row].Line.Part, Accepted[row].Fields)
            )
        );
    }

    /// <summary>Rejects a row whose label no other row has: no version could learn it.</summary>
    public void RejectUnknownLabel(int row)
    {
        Example example = Example(Accepted[row].Line);
        Reject(
            new RejectedRow(
                example.Id,
                RejectionOutcome.Rejected,
                RejectionReason.UnknownLabel,
                $"no row that is learned from has the label '{example.Label}'",
                null,
                example.Source,
                Fields(Accepted[row].Line.Part, Accepted[row].Fields)
            )
        );
    }

    /// <summary>Tokens of the longest accepted row, as far as rows may have.</summary>
    public int LongestTokens(int most) => Math.Min(_longest, most);

    /// <summary>Closes the file of rejected rows.</summary>
    /// <returns>Its SHA-256.</returns>
    public string FinishRejected() => _rejected.CloseAndGetSha256();

    /// <summary>A line's bytes.</summary>
    public byte[] Read(RowLine line) => Read(line.Part, line.Bytes);

    /// <summary>A line's example.</summary>
    public Example Example(RowLine line) => ContractJson.Read<Example>(Read(line));

    public void Dispose()
    {
        _rejected.Dispose();
        _signatures.Dispose();
    }

    private static string WhereOf(RowKind kind) =>
        kind switch
        {
            RowKind.Guard => " of the guard set",
            RowKind.TestSet => " of the test set",
            RowKind.ValidationSet => " of the validation set",
            _ => "",
        };

    private void RejectRepeated(int part, AcceptedRow row, KeptRow first)
    {
        (Example example, Example kept) = (ContractJson.Read<Example>(Read(part, row.Line)), Example(first.Line));
        bool same = row.Answer == first.Answer || _plain;
        bool isCorrected = !same && _corrections.Contains(first.Line.Part);
        bool isUnheard = _corrections.Contains(part) && first.Kind == RowKind.Dropped;
        Reject(
            new RejectedRow(
                example.Id,
                same ? RejectionOutcome.Duplicate : RejectionOutcome.Rejected,
                same ? RejectionReason.Duplicate
                    : isCorrected ? RejectionReason.Corrected
                    : RejectionReason.ConflictingLabel,
                same
                    ? $"the same text and answer as {kept.Id}"
                    : $"the same text as {kept.Id}{WhereOf(first.Kind)}, which says "
                        + $"'{Shortened(kept.Messages[^1].Content)}', not '{Shortened(example.Messages[^1].Content)}'"
                        + (isUnheard ? "; a correction replaces a row when a reviewer with a key gives it" : ""),
                kept.Id,
                example.Source,
                Fields(part, row.Fields)
            )
        );
    }

    private void Reject(RejectedRow row) => Reject(row.Reason.Name(), ContractJson.WriteUtf8(row));

    private void Reject(string reason, byte[] line)
    {
        _reasons[reason] = _reasons.GetValueOrDefault(reason) + 1;
        _rejected.WriteLine(line);
    }

    private Dictionary<string, string> Fields(int part, ByteRange fields) =>
        ContractJson.Read<Dictionary<string, string>>(Read(part, fields));

    private byte[] Read(int part, ByteRange range)
    {
        byte[] bytes = new byte[range.Length];
        _parts[part].Position = range.Start;
        _parts[part].ReadExactly(bytes);
        return bytes;
    }

    private static string Shortened(string text) => text.Length <= 80 ? text : text[..80] + "…";
}

/// <summary>Whose row it is.</summary>
internal enum RowKind : byte
{
    /// <summary>Of what was dropped.</summary>
    Dropped,

    /// <summary>Of a test set of its own, or a test row of the data's own split.</summary>
    TestSet,

    /// <summary>A validation row of the data's own split.</summary>
    ValidationSet,

    /// <summary>Synthetic; only learned from.</summary>
    Synthetic,

    /// <summary>A correction by nobody with a key; only learned from.</summary>
    Unnamed,

    /// <summary>Of the guard set.</summary>
    Guard,
}

/// <summary>Rows that were validated together.</summary>
/// <param name="Part">Their stream, seekable, which stays the caller's.</param>
/// <param name="Kind">Whose rows they are.</param>
/// <param name="IsCorrections">Whether they are people's corrections.</param>
internal sealed record RowPart(Stream Part, RowKind Kind, bool IsCorrections);

/// <summary>A line of the dataset, where it stands in the parts.</summary>
/// <param name="Part">The part's number.</param>
/// <param name="Bytes">Its bytes in the part.</param>
/// <param name="Label">The label's number; -1 without labels.</param>
/// <param name="Measure">Its tokens.</param>
/// <param name="Signature">The number of its signature.</param>
internal readonly record struct RowLine(int Part, ByteRange Bytes, int Label, RowMeasure Measure, int Signature);

/// <summary>An accepted row.</summary>
/// <param name="Kind">Whose row it is.</param>
/// <param name="Answer">Hash of its answer.</param>
/// <param name="Split">What the split goes by.</param>
/// <param name="Line">Its line.</param>
/// <param name="Fields">Where its fields stand, as they were read.</param>
/// <param name="Pieces">Of a plain text that does not fit.</param>
internal readonly record struct KeptRow(
    RowKind Kind,
    ulong Answer,
    SplitRow Split,
    RowLine Line,
    ByteRange Fields,
    IReadOnlyList<RowLine> Pieces
);
