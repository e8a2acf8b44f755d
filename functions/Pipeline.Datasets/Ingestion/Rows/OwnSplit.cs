using System.Text.RegularExpressions;
using Pipeline.Datasets.Splitting;

namespace Pipeline.Datasets.Ingestion.Rows;

/// <summary>
/// The split that data has of its own: by names of files and folders (<c>train.jsonl</c>, <c>test/</c>), or by a column
/// (<c>split</c>). Names as in HuggingFace's datasets, <c>data_files.py</c> (SPLIT_KEYWORDS), and CoNLL-2003's
/// <c>testa</c> and <c>testb</c>.
/// </summary>
internal static partial class OwnSplit
{
    private static readonly Dictionary<string, Split> Names = new(StringComparer.OrdinalIgnoreCase)
    {
        ["train"] = Split.Train,
        ["training"] = Split.Train,
        ["validation"] = Split.Validation,
        ["valid"] = Split.Validation,
        ["val"] = Split.Validation,
        ["dev"] = Split.Validation,
        ["testa"] = Split.Validation,
        ["test"] = Split.Test,
        ["testing"] = Split.Test,
        ["testb"] = Split.Test,
        ["eval"] = Split.Test,
        ["evaluation"] = Split.Test,
        ["heldout"] = Split.Test,
        ["held-out"] = Split.Test,
        ["held_out"] = Split.Test,
    };

    /// <summary>Columns that are one of splits whatever else they hold.</summary>
    private static readonly string[] CertainColumns = ["split", "data_split", "dataset_split"];

    /// <summary>Columns that are one of splits if every value names one.</summary>
    private static readonly string[] PossibleColumns = ["set", "subset", "partition", "fold", "usage", "part"];

    /// <summary>The side that a word names; <c>null</c>: it names none.</summary>
    public static Split? Named(string word) => Names.TryGetValue(word.Trim(), out Split split) ? split : null;

    /// <summary>The side of each file; empty where the names tell no held-out rows from others.</summary>
    /// <param name="names">Names of files, with their folders.</param>
    /// <param name="root">The name of the folder or archive that was dropped, with which they begin.</param>
    public static IReadOnlyDictionary<string, Split> OfFiles(IReadOnlyList<string> names, string root)
    {
        Dictionary<string, Split?> sides = names
            .Distinct(StringComparer.Ordinal)
            .ToDictionary(n => n, n => SideOf(n, root), StringComparer.Ordinal);
        bool tells = sides.Values.Any(IsHeldOut) && sides.Values.Any(s => !IsHeldOut(s));
        return tells
            ? sides.ToDictionary(s => s.Key, s => s.Value ?? Split.Train, StringComparer.Ordinal)
            : new Dictionary<string, Split>();
    }

    /// <summary>The column that says a row's side; <c>null</c>: there is none.</summary>
    /// <param name="rows">The first rows.</param>
    /// <param name="used">Columns that are read as something else.</param>
    public static string? ColumnOf(IReadOnlyList<RawRow> rows, IReadOnlyCollection<string> used)
    {
        List<RawRow> sound = [.. rows.Where(r => r.Fault is null)];
        string[] columns =
        [
            .. sound.SelectMany(r => r.Fields.Keys).Distinct(StringComparer.Ordinal).Where(c => !used.Contains(c)),
        ];
        return Array.Find(columns, c => IsOne(CertainColumns, c) && Values(c).Any(v => Named(v) is not null))
            ?? Array.Find(
                columns,
                c => IsOne(PossibleColumns, c) && Values(c).Any() && Values(c).All(v => Named(v) is not null)
            );

        IEnumerable<string> Values(string column) =>
            sound.Select(r => r.Fields.GetValueOrDefault(column, "")).Where(v => v.Length > 0);
    }

    /// <summary>A row with the side that its column says; of a word that names none a fault.</summary>
    public static RawRow Read(RawRow row, string column)
    {
        string word = row[column].Text;
        return row.Fault is not null ? row
            : Named(word) is { } side ? row with { Split = side }
            : row with { Fault = $"column '{column}' says '{word}', which is none of train, validation and test" };
    }

    private static bool IsHeldOut(Split? side) => side is Split.Validation or Split.Test;

    private static bool IsOne(string[] names, string column) =>
        names.Contains(column.Trim(), StringComparer.OrdinalIgnoreCase);

    /// <summary>By the file's own name, else by its nearest folder.</summary>
    private static Split? SideOf(string name, string root)
    {
        string below = name.StartsWith(root + "/", StringComparison.Ordinal) ? name[(root.Length + 1)..] : name;
        return below
            .Split('/')
            .Reverse()
            .Select(part => Separators().Split(part).Select(Named).FirstOrDefault(s => s is not null))
            .FirstOrDefault(s => s is not null);
    }

    [GeneratedRegex(@"[-._ 0-9]+")]
    private static partial Regex Separators();
}
