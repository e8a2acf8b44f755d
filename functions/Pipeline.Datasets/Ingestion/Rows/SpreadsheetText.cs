namespace Pipeline.Datasets.Ingestion.Rows;

/// <summary>
/// Cells as spreadsheets have them: what one shows that has no value. In a table that a person opens there, one that
/// begins like a formula is a text, by an apostrophe before it, and is read back without it. Source: OWASP, CSV
/// Injection.
/// </summary>
public static class SpreadsheetText
{
    /// <summary>What a cell shows whose formula has no value.</summary>
    public static IReadOnlySet<string> Errors { get; } =
        new HashSet<string>(StringComparer.Ordinal)
        {
            "#N/A",
            "#VALUE!",
            "#REF!",
            "#DIV/0!",
            "#NAME?",
            "#NUM!",
            "#NULL!",
            "#SPILL!",
            "#CALC!",
        };

    private const char Mark = '\'';

    /// <summary>A cell that no spreadsheet runs.</summary>
    public static string Escape(string cell) => IsFormula(cell) ? Mark + cell : cell;

    /// <summary>The cell that <see cref="Escape"/> was given.</summary>
    public static string Unescape(string cell)
    {
        ArgumentNullException.ThrowIfNull(cell);
        return cell.Length > 1 && cell[0] == Mark && IsFormula(cell[1..]) ? cell[1..] : cell;
    }

    /// <summary>A row whose names and cells were escaped.</summary>
    internal static RawRow Unescape(RawRow row) =>
        row with
        {
            Fields = row.Fields.ToDictionary(f => Unescape(f.Key), f => Unescape(f.Value), StringComparer.Ordinal),
        };

    /// <summary>Whether a cell begins like a formula, apostrophes before that aside.</summary>
    private static bool IsFormula(string cell)
    {
        ArgumentNullException.ThrowIfNull(cell);
        return cell.AsSpan().TrimStart(Mark) is ['=' or '+' or '-' or '@' or '\t' or '\r', ..];
    }
}
