using System.Text;

namespace Pipeline.Datasets.Ingestion;

/// <summary>Bytes to rows: recognises the format by the file's name and content and refuses what is no text.</summary>
public static class RawReader
{
    /// <summary>Reads every row, faulty ones included.</summary>
    /// <param name="file">The file.</param>
    /// <param name="plainTexts">Whether a file of no known format is plain text, not a table.</param>
    /// <exception cref="DatasetException">The file is empty or binary, or its header cannot be read.</exception>
    public static IReadOnlyList<RawRow> Read(RawFile file, bool plainTexts = false)
    {
        ArgumentNullException.ThrowIfNull(file);
        RequireText(file);
        string extension = Path.GetExtension(file.Name).ToLowerInvariant();
        IReadOnlyList<RawRow> rows = extension switch
        {
            ".jsonl" or ".ndjson" => JsonLinesReader.Read(file),
            ".tsv" or ".tab" => DelimitedReader.Read(file, '\t'),
            ".csv" => DelimitedReader.Read(file, null),
            _ when plainTexts && (extension is ".txt" or ".md" || FirstLine(file) is not ['{', ..]) => PlainTextReader.Read(file),
            _ => ReadByContent(file),
        };
        return rows.Count > 0 ? rows : throw new DatasetException(DatasetException.EmptyFile, $"'{file.Name}' has a header and no rows.");
    }

    /// <summary>The text of a file: UTF-8 with or without BOM, UTF-16 with BOM; other bytes become U+FFFD.</summary>
    internal static StreamReader OpenText(RawFile file) =>
        new(new MemoryStream(file.Bytes.ToArray(), writable: false), new UTF8Encoding(false), detectEncodingFromByteOrderMarks: true);

    private static IReadOnlyList<RawRow> ReadByContent(RawFile file)
    {
        string first = FirstLine(file);
        return first switch
        {
            ['{', ..] => JsonLinesReader.Read(file),
            _ when first.Contains('\t', StringComparison.Ordinal) => DelimitedReader.Read(file, '\t'),
            _ => DelimitedReader.Read(file, null),
        };
    }

    private static string FirstLine(RawFile file)
    {
        using StreamReader reader = OpenText(file);
        string first = "";
        while (first.Length == 0 && reader.ReadLine() is { } line)
        {
            first = line.Trim();
        }

        return first;
    }

    private static void RequireText(RawFile file)
    {
        ReadOnlySpan<byte> bytes = file.Bytes.Span;
        if (bytes.TrimStart((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]).Trim(" \t\r\n"u8).IsEmpty)
        {
            throw new DatasetException(DatasetException.EmptyFile, $"'{file.Name}' is empty.");
        }

        bool utf16 = bytes.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE]) || bytes.StartsWith((ReadOnlySpan<byte>)[0xFE, 0xFF]);
        string? kind = bytes.StartsWith("PK\u0003\u0004"u8) ? "a ZIP archive or an Office file"
            : bytes.StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B]) ? "a gzip archive"
            : bytes.StartsWith("%PDF"u8) ? "a PDF"
            : bytes.StartsWith("PAR1"u8) ? "a Parquet file"
            : !utf16 && bytes[..Math.Min(bytes.Length, 65_536)].Contains((byte)0) ? "not text (it holds zero bytes)"
            : null;
        if (kind is not null)
        {
            throw new DatasetException(DatasetException.BinaryFile, $"'{file.Name}' is {kind}; drop CSV, TSV or JSON lines.");
        }
    }
}
