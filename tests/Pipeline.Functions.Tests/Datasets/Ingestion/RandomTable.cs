using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using CsCheck;
using MiniExcelLibs;
using Parquet;
using Parquet.Schema;

namespace Pipeline.Functions.Tests.Datasets.Ingestion;

/// <summary>How a table is written.</summary>
internal enum TableFormat
{
    Comma,
    Semicolon,
    Pipe,
    Tab,
    TabByName,
    CommaAfterSepLine,
    JsonLines,
    JsonArray,
    JsonColumns,
    JsonSplit,
    Xlsx,
    Parquet,
}

/// <summary>What the labels of a table are.</summary>
internal enum LabelKind
{
    Words,
    Numbers,
    Flags,
    ListsOfOne,
}

/// <summary>One row: its words, its label's number (below 0: missing), and which spelling either has.</summary>
internal sealed record RandomRow(string[] Words, int Label, int Spelling, int[] Extras);

/// <summary>A random table whose meaning is known: a text and a label or none in each row.</summary>
/// <param name="Format">How it is written.</param>
/// <param name="Encoding">Which encoding, of those that the format has.</param>
/// <param name="TextName">The name of the column of texts.</param>
/// <param name="LabelName">The name of the column of labels.</param>
/// <param name="Kind">What the labels are.</param>
/// <param name="Extras">Kinds of further columns.</param>
/// <param name="Order">Where the columns stand.</param>
/// <param name="Rows">The rows.</param>
internal sealed record RandomTable(
    TableFormat Format,
    int Encoding,
    string TextName,
    string LabelName,
    LabelKind Kind,
    int[] Extras,
    int Order,
    RandomRow[] Rows
)
{
    private static readonly string[] Words =
    [
        "row",
        "garden",
        "café",
        "Größe",
        "it's",
        "\"quoted\"",
        "a,b",
        "a;b",
        "a|b",
        "tab\there",
        "line\nbreak",
        "#1",
        "100",
        "-",
        "x=y",
        "[list]",
        "{brace}",
        "NaN",
        "\\n",
        "字",
        "🙂",
    ];
    private static readonly string[] Classes = ["good", "bad", "so so"];
    private static readonly string[] Invisible = ["\u00A0", "\u00AD", " ", "\u200B", "\uFEFF"];
    private static readonly string[] Markers = ["", "NaN", "N/A", "null", "None", "NaT", "-", "\\N", "#N/A", "nan"];
    private static readonly string[] ExtraNames = ["id", "when", "score", "kind", "extra", "more"];
    private static readonly JsonSerializerOptions Relaxed = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private static Gen<RandomRow> Row { get; } =
        from words in CsCheck.Gen.OneOf(Words).Array[1, 6]
        from label in CsCheck.Gen.Int[-1, 5]
        from spelling in CsCheck.Gen.Int[0, 1000]
        from extras in CsCheck.Gen.Int[0, 1000].Array[4]
        select new RandomRow(words, label < 0 ? -1 : label % 3, spelling, extras);

    public static Gen<RandomTable> Gen { get; } =
        from format in CsCheck.Gen.Enum<TableFormat>()
        from encoding in CsCheck.Gen.Int[0, 4]
        from textName in CsCheck.Gen.OneOf("text", "tweet", "Review", "comment", "body")
        from labelName in CsCheck.Gen.OneOf("label", "Sentiment", "category", "class", "my_label")
        from kind in CsCheck.Gen.Enum<LabelKind>()
        from extras in CsCheck.Gen.Int[0, 8].Array[0, 4]
        from order in CsCheck.Gen.Int[0, 1000]
        from rows in Row.Array[6, 20]
        select new RandomTable(format, encoding, textName, labelName, kind, extras, order, rows);

    private bool IsJson => Format is >= TableFormat.JsonLines and <= TableFormat.JsonSplit;
    private bool IsText => Format < TableFormat.Xlsx;

    /// <summary>Whether nothing in the file says its encoding.</summary>
    public bool IsUnmarked => IsText && Encoding == 4;

    /// <summary>The encoding of a text file.</summary>
    private Encoding TextEncoding =>
        Encoding switch
        {
            1 => new UTF8Encoding(true),
            2 => new UnicodeEncoding(bigEndian: false, byteOrderMark: true),
            3 => new UnicodeEncoding(bigEndian: true, byteOrderMark: true),
            4 => System.Text.Encoding.GetEncoding("windows-1252"),
            _ => new UTF8Encoding(false),
        };

    public string FileName =>
        Format switch
        {
            TableFormat.TabByName => "a.tsv",
            TableFormat.JsonLines => "a.jsonl",
            TableFormat.JsonArray or TableFormat.JsonColumns or TableFormat.JsonSplit => "a.json",
            TableFormat.Xlsx => "a.xlsx",
            TableFormat.Parquet => "a.parquet",
            _ => "a.csv",
        };

    /// <summary>What each row says.</summary>
    public IReadOnlyList<(string Text, string? Label)> Meaning =>
        [.. Rows.Select((r, i) => (TextOf(r, i), r.Label < 0 ? null : ClassOf(r.Label)))];

    /// <summary>The file.</summary>
    public byte[] Write()
    {
        (string Name, Func<RandomRow, int, object?> Value)[] columns = Columns();
        return Format switch
        {
            TableFormat.Xlsx => Xlsx(columns),
            TableFormat.Parquet => Parquet(columns),
            _ => Encoded(IsJson ? Json(columns) : Delimited(columns)),
        };
    }

    private byte[] Encoded(string text) => [.. TextEncoding.GetPreamble(), .. TextEncoding.GetBytes(text)];

    /// <summary>Signs that Windows-1252 lacks are not in a file of that encoding.</summary>
    private string Allowed(string text) =>
        IsText && Encoding == 4
            ? text.Replace("字", "z", StringComparison.Ordinal).Replace("🙂", ":)", StringComparison.Ordinal)
            : text;

    private string TextOf(RandomRow row, int number) => Allowed($"the {string.Join(' ', row.Words)} of {number}");

    private string ClassOf(int label) =>
        Kind switch
        {
            LabelKind.Numbers => $"{label}",
            LabelKind.Flags => label == 0 ? "true" : "false",
            _ => Classes[label],
        };

    private (string Name, Func<RandomRow, int, object?> Value)[] Columns()
    {
        List<(string, Func<RandomRow, int, object?>)> columns =
        [
            (TextName, (r, i) => TextOf(r, i)),
            (LabelName, (r, _) => LabelValue(r)),
            .. Extras.Select(
                (kind, at) =>
                    (ExtraNames[at], (Func<RandomRow, int, object?>)((r, i) => ExtraValue(kind, r.Extras[at], i)))
            ),
        ];
        return [.. columns.Index().OrderBy(c => (Order * 31 + c.Index * 389) % 1009).Select(c => c.Item)];
    }

    private object? LabelValue(RandomRow row)
    {
        if (row.Label < 0)
        {
            string marker = Markers[row.Spelling % Markers.Length];
            return IsJson && row.Spelling % 3 == 0 ? (row.Spelling % 2 == 0 ? null : double.NaN)
                : Format == TableFormat.Parquet && row.Spelling % 2 == 0 ? null
                : marker;
        }

        if (IsJson)
        {
            switch (Kind)
            {
                case LabelKind.Numbers:
                    return row.Label;
                case LabelKind.Flags:
                    return row.Label == 0;
                case LabelKind.ListsOfOne:
                    return new[] { Classes[row.Label] };
            }
        }

        int most = IsText && Encoding == 4 ? 3 : Invisible.Length;
        string blank = row.Spelling % 4 == 0 ? Invisible[row.Spelling % most] : "";
        string label = Kind == LabelKind.ListsOfOne ? $"[\"{Classes[row.Label]}\"]" : ClassOf(row.Label);
        return row.Spelling % 8 == 0 ? label + blank : blank + label;
    }

    private object? ExtraValue(int kind, int value, int number) =>
        kind switch
        {
            0 => value,
            1 => value / 8.0,
            2 => value % 2 == 0,
            3 => $"kind{value % 3}",
            4 => $"2024-01-{1 + (value % 28):00}",
            5 => null,
            6 => IsJson ? new object?[] { value, null, $"x{number}" } : $"[{value}]",
            7 => IsJson
                ? new Dictionary<string, object> { ["a"] = value, ["b"] = new[] { number } }
                : $"{{\"a\": {value}}}",
            _ => IsJson && value % 2 == 0 ? double.PositiveInfinity : "",
        };

    private string Delimited((string Name, Func<RandomRow, int, object?> Value)[] columns)
    {
        char separator = Format switch
        {
            TableFormat.Semicolon => ';',
            TableFormat.Pipe => '|',
            TableFormat.Tab or TableFormat.TabByName => '\t',
            _ => ',',
        };
        string end = Order % 2 == 0 ? "\n" : "\r\n";
        var text = new StringBuilder(Format == TableFormat.CommaAfterSepLine ? $"sep={separator}{end}" : "");
        text.Append(string.Join(separator, columns.Select(c => c.Name))).Append(end);
        foreach ((int number, RandomRow row) in Rows.Index())
        {
            text.Append(
                    string.Join(
                        separator,
                        columns.Select(c => Quoted(Plain(c.Value(row, number)), separator, row.Spelling))
                    )
                )
                .Append(end);
        }

        return text.ToString();
    }

    private static string Quoted(string cell, char separator, int spelling) =>
        cell.AsSpan().IndexOfAny('"', '\n', separator) >= 0 || spelling % 5 == 0
            ? $"\"{cell.Replace("\"", "\"\"", StringComparison.Ordinal)}\""
            : cell;

    private static string Plain(object? value) =>
        value switch
        {
            null => "",
            bool flag => flag ? "true" : "false",
            IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
            _ => value.ToString()!,
        };

    private string Json((string Name, Func<RandomRow, int, object?> Value)[] columns)
    {
        string Object(RandomRow row, int number) =>
            "{" + string.Join(", ", columns.Select(c => $"{Value(c.Name)}: {Value(c.Value(row, number))}")) + "}";
        IEnumerable<string> objects = Rows.Select(Object);
        return Format switch
        {
            TableFormat.JsonLines => string.Join('\n', objects) + "\n",
            TableFormat.JsonArray => "[" + string.Join(",\n ", objects) + "]",
            TableFormat.JsonColumns => "{"
                + string.Join(
                    ", ",
                    columns.Select(c =>
                        $"{Value(c.Name)}: {{{string.Join(", ", Rows.Select((r, i) => $"\"{i}\": {Value(c.Value(r, i))}"))}}}"
                    )
                )
                + "}",
            _ =>
                $"{{\"columns\": [{string.Join(", ", columns.Select(c => Value(c.Name)))}], \"index\": [{string.Join(", ", Rows.Select((_, i) => i))}], "
                    + $"\"data\": [{string.Join(", ", Rows.Select((r, i) => $"[{string.Join(", ", columns.Select(c => Value(c.Value(r, i))))}]"))}]}}",
        };
    }

    /// <summary>JSON as Python writes it.</summary>
    private static string Value(object? value) =>
        value switch
        {
            double.NaN => "NaN",
            double.PositiveInfinity => "Infinity",
            _ => JsonSerializer.Serialize(value, Relaxed),
        };

    private byte[] Xlsx((string Name, Func<RandomRow, int, object?> Value)[] columns)
    {
        using var stream = new MemoryStream();
        stream.SaveAs(Rows.Select((r, i) => columns.ToDictionary(c => c.Name, c => c.Value(r, i))));
        return stream.ToArray();
    }

    private byte[] Parquet((string Name, Func<RandomRow, int, object?> Value)[] columns)
    {
        DataField<string>[] fields = [.. columns.Select(c => new DataField<string>(c.Name, true))];
        using var stream = new MemoryStream();
        WriteAsync().GetAwaiter().GetResult();
        return stream.ToArray();

        async Task WriteAsync()
        {
            await using ParquetWriter writer = await ParquetWriter.CreateAsync(new ParquetSchema(fields), stream);
            using ParquetRowGroupWriter group = writer.CreateRowGroup();
            foreach ((DataField<string> field, (_, Func<RandomRow, int, object?> value)) in fields.Zip(columns))
            {
                string?[] cells = [.. Rows.Select((r, i) => value(r, i) is { } cell ? Plain(cell) : null)];
                await group.WriteAsync(field, cells!, null);
            }
        }
    }
}
