using System.Text.RegularExpressions;
using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Files;
using Pipeline.Datasets.Ingestion.Formats;
using Pipeline.Datasets.Ingestion.Processes;
using Pipeline.Datasets.Ingestion.Rows;
using Pipeline.Datasets.Splitting;

namespace Pipeline.Datasets.Ingestion;

/// <summary>
/// Bytes to rows: unpacks archives, recognises each file's format by name and content, and refuses what is none of
/// them. Rows stream; unpacked bytes are kept until this is disposed.
/// </summary>
public sealed partial class RawReader : IDisposable
{
    private const int HeadBytes = 65_536;
    private const int MaxReasons = 3;
    private readonly Spool _spool;
    private readonly InputBudget _budget;
    private readonly bool _plainTexts;
    private readonly TableReading _tables;

    /// <summary>A reader.</summary>
    /// <param name="plainTexts">Whether a file of no known format is plain text, not a table.</param>
    /// <param name="columns">Columns that project.yaml names; a first line that has them all is one of names.</param>
    /// <param name="limits">What reading one file may cost.</param>
    public RawReader(bool plainTexts = false, IReadOnlyCollection<string>? columns = null, LimitSettings? limits = null)
    {
        _budget = limits is null ? InputBudget.Default : new InputBudget(limits);
        _spool = new Spool(_budget);
        _plainTexts = plainTexts;
        _tables = new TableReading(columns ?? [], _budget, Notes);
    }

    /// <summary>What was noticed on the way; whole once the rows were read.</summary>
    public ReadingNotes Notes { get; } = new();

    /// <summary>Every row of one file, or of all files in an archive or a folder, faulty rows included.</summary>
    /// <exception cref="DatasetException">The file is empty, binary or damaged, or its header cannot be
    /// read.</exception>
    public IEnumerable<RawRow> Read(RawFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        string name = file.Name;
        List<RawFile> inner = Files(file);
        if (inner.Count == 0)
        {
            throw new DatasetException(
                DatasetFaultCode.EmptyFile,
                string.Join(' ', Notes.Sentences.Take(MaxReasons).Prepend($"'{name}' holds no file with rows."))
            );
        }

        if (inner.Find(f => f.Name.EndsWith(".arrow", StringComparison.OrdinalIgnoreCase)) is { } arrow)
        {
            RequireKnown(arrow); // what lies beside it only describes it
        }

        if (inner.Count > 1)
        {
            inner = [.. inner.Where(Readable)];
            if (inner.Count == 0)
            {
                throw new DatasetException(
                    DatasetFaultCode.BinaryFile,
                    $"Nothing in '{name}' can be read. {string.Join(' ', Notes.Sentences.Take(MaxReasons))}"
                );
            }
        }

        IEnumerable<RawRow> rows = inner switch
        {
            [var only] => _budget.Spend(only, One(only), Notes),
            _ => Bundle.Read(inner, _budget, Notes) ?? inner.SelectMany(OneOfMany),
        };
        IReadOnlyDictionary<string, Split> sides = OwnSplit.OfFiles([.. inner.Select(f => f.Name)], name);
        if (sides.Count > 0)
        {
            rows = rows.Select(r => r with { Split = sides.GetValueOrDefault(r.Place.File, Split.Train) });
        }

        using IEnumerator<RawRow> first = rows.GetEnumerator();
        if (!first.MoveNext())
        {
            throw new DatasetException(DatasetFaultCode.EmptyFile, $"'{name}' has a header and no rows.");
        }

        return rows;
    }

    /// <summary>
    /// Reads a part of a file by its bytes, each part by itself; <c>null</c> where a file cannot be read in parts:
    /// archives, folders, tables in binary, JSON that is not a row a line, encodings of several bytes a sign.
    /// </summary>
    public Func<RowRange, IEnumerable<RawRow>>? Ranges(RawFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        if (file.IsFolder || Archive.Expand(file, _spool, _budget, Notes) is not [var inner] || inner != file)
        {
            return null;
        }

        RequireKnown(file);
        switch (Path.GetExtension(file.Name).ToLowerInvariant())
        {
            case ".jsonl" or ".ndjson" when !IsJsonArray(file):
                using (MixedText text = MixedText.Open(file))
                {
                    return text.IsByteWise ? range => JsonReader.Lines(file, _budget, Notes, range) : null;
                }

            case ".csv"
            or ".tsv"
            or ".tab"
                when !file.Head(4).AsSpan().SequenceEqual("PAR1"u8)
                    && !file.Head(4).AsSpan().SequenceEqual("PK\u0003\u0004"u8):
                return DelimitedReader.Ranges(
                    file,
                    file.Name.EndsWith(".csv", StringComparison.OrdinalIgnoreCase) ? null : '\t',
                    _tables
                );
            default:
                return null;
        }
    }

    public void Dispose() => _spool.Dispose();

    /// <summary>The beginning of a file's first line that is not blank.</summary>
    private static string FirstLine(RawFile file)
    {
        using MixedText text = MixedText.Open(file);
        var head = new char[HeadBytes];
        string start = new string(head, 0, text.Reader.ReadBlock(head)).TrimStart();
        int end = start.AsSpan().IndexOfAny('\r', '\n');
        return (end < 0 ? start : start[..end]).Trim();
    }

    /// <summary>What was dropped, unpacked.</summary>
    private List<RawFile> Files(RawFile file)
    {
        foreach ((string unread, string why) in file.Unread)
        {
            Notes.AddUnread(new RawFile(unread, ReadOnlyMemory<byte>.Empty), why);
        }

        if (file.Inner.Count > _budget.Limits.Entries)
        {
            throw new DatasetException(
                DatasetFaultCode.UnreadableFile,
                $"'{file.Name}' holds {file.Inner.Count:N0} files, more than {_budget.Limits.Entries:N0}; "
                    + $"{InputBudget.Raise(nameof(LimitSettings.Entries))}."
            );
        }

        IEnumerable<RawFile> given = file.IsFolder
            ? file.Inner.Where(f => !Archive.IsClutter(f.Name, file.Name))
            : [file];
        List<RawFile> files = [];
        foreach (RawFile each in given)
        {
            try
            {
                _budget.RequireFile(each);
                files.AddRange(Archive.Expand(each, _spool, _budget, Notes));
            }
            catch (DatasetException fault) when (file.IsFolder)
            {
                Notes.AddUnread(each, fault.Message.TrimEnd('.'));
            }
        }

        return files;
    }

    /// <summary>
    /// One of several files. Where it cannot be read, or not to its end, a row with the fault stands for the rest of
    /// it, and the other files are read.
    /// </summary>
    private IEnumerable<RawRow> OneOfMany(RawFile file)
    {
        IEnumerator<RawRow>? rows = null;
        int count = 0;
        try
        {
            while (true)
            {
                DatasetException? fault = null;
                bool more = false;
                try
                {
                    rows ??= _budget.Spend(file, One(file), Notes).GetEnumerator();
                    more = rows.MoveNext();
                }
                catch (DatasetException caught)
                {
                    fault = caught;
                }

                if (fault is not null)
                {
                    string why = fault.Message.TrimEnd('.');
                    Notes.AddUnread(file, why);
                    yield return new RawRow(
                        new RowPlace(file.Name, count + 1, 0),
                        new Dictionary<string, string>(),
                        $"this row and all after it are not read: {why}"
                    );
                }

                if (!more)
                {
                    break;
                }

                count = rows!.Current.Place.Row;
                yield return rows.Current;
            }
        }
        finally
        {
            rows?.Dispose();
        }
    }

    /// <summary>Among several files one that is not text is passed over, and said.</summary>
    private bool Readable(RawFile file)
    {
        try
        {
            RequireKnown(file);
            return true;
        }
        catch (DatasetException fault)
        {
            Notes.Add("Not read: " + fault.Message);
            return false;
        }
    }

    private IEnumerable<RawRow> One(RawFile file)
    {
        RequireKnown(file);
        string extension = Path.GetExtension(file.Name).ToLowerInvariant();
        if (file.Head(4).AsSpan().SequenceEqual("PAR1"u8))
        {
            return ReaderProcesses.Shared.Read(RowFormat.Parquet, file, _spool, _tables);
        }

        if (file.Head(4).AsSpan().SequenceEqual("PK\u0003\u0004"u8))
        {
            return ReaderProcesses.Shared.Read(RowFormat.Spreadsheet, file, _spool, _tables);
        }

        return extension switch
        {
            ".jsonl" or ".ndjson" when !IsJsonArray(file) => JsonReader.Lines(file, _budget, Notes),
            ".tsv" or ".tab" => DelimitedReader.Read(file, '\t', _tables),
            ".csv" => DelimitedReader.Read(file, null, _tables),
            ".eml" or ".mbox" => ReaderProcesses.Shared.Read(RowFormat.Mail, file, _spool, _tables),
            _ => ByContent(file, extension),
        };
    }

    /// <summary>Whether a file begins as an array over many lines does, whatever its name says.</summary>
    private static bool IsJsonArray(RawFile file) => FirstLine(file) is "[" or ['[', .., ','];

    private IEnumerable<RawRow> ByContent(RawFile file, string extension)
    {
        string first = FirstLine(file);
        if (_plainTexts && extension is ".txt" or ".md")
        {
            return PlainTextReader.Read(file, _budget, Notes);
        }

        if (JsonArray().IsMatch(first) || (extension == ".json" && first.StartsWith('[')))
        {
            return JsonReader.Elements(file, _budget, Notes);
        }

        if (first.StartsWith('{'))
        {
            return JsonReader.LinesOrOne(file, _budget, Notes);
        }

        if (ConllReader.Recognises(file))
        {
            Notes.Add($"'{file.Name}' is in CoNLL columns: a token and its tag a line.");
            return ConllReader.Read(file, _budget, Notes);
        }

        if (LabelledLines.Recognises(file))
        {
            Notes.Add($"Each line of '{file.Name}' is a label and a text.");
            return LabelledLines.Read(file, _budget, Notes);
        }

        return _plainTexts
            ? PlainTextReader.Read(file, _budget, Notes)
            : DelimitedReader.Read(file, first.Contains('\t', StringComparison.Ordinal) ? '\t' : null, _tables);
    }

    private static void RequireKnown(RawFile file)
    {
        byte[] head = file.Head(HeadBytes);
        ReadOnlySpan<byte> bytes = head;
        if (
            bytes.TrimStart((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]).Trim(" \t\r\n"u8).IsEmpty
            && file.Length <= HeadBytes
        )
        {
            throw new DatasetException(DatasetFaultCode.EmptyFile, $"'{file.Name}' is empty.");
        }

        string? kind =
            bytes.StartsWith("%PDF"u8) ? "a PDF"
            : bytes.StartsWith((ReadOnlySpan<byte>)[0xD0, 0xCF, 0x11, 0xE0])
                ? "an Office file of before 2007; save it as .xlsx or .csv"
            : bytes.StartsWith("BZh"u8) ? "a bzip2 archive; pack it as .gz, .zst or .zip"
            : bytes.StartsWith((ReadOnlySpan<byte>)[0xFD, 0x37, 0x7A, 0x58, 0x5A])
                ? "an xz archive; pack it as .gz, .zst or .zip"
            : bytes.StartsWith("7z"u8) && bytes.Length > 2 && bytes[2] == 0xBC
                ? "a 7z archive; pack it as .gz, .zst or .zip"
            : bytes.StartsWith("Rar!"u8) ? "a RAR archive; pack it as .gz, .zst or .zip"
            : file.Name.EndsWith(".arrow", StringComparison.OrdinalIgnoreCase)
                ? "an Arrow file, as datasets' save_to_disk writes it; write the dataset with to_json or to_parquet"
            : bytes.StartsWith("PAR1"u8) || bytes.StartsWith("PK\u0003\u0004"u8) ? null
            : MixedText.LooksLikeText(bytes) ? null
            : "not text (it holds zero bytes)";
        if (kind is not null)
        {
            throw new DatasetException(
                DatasetFaultCode.BinaryFile,
                $"'{file.Name}' is {kind}. Read are CSV, TSV, JSON, JSON lines, Parquet, XLSX, CoNLL and plain "
                    + "text, also packed."
            );
        }
    }

    [GeneratedRegex("""^\[\s*(?:$|[{\[])""")]
    private static partial Regex JsonArray();
}
