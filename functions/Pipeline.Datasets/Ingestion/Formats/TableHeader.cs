using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Ingestion.Formats;

/// <summary>The names of a table's columns: its first row, or numbers.</summary>
internal static class TableHeader
{
    /// <summary>
    /// The names in the first line, which is then taken out of the rows; or names by number where the first line is a
    /// row like the others.
    /// </summary>
    public static string[] Take(string fileName, List<(string[] Fields, int Line)> first, TableReading reading)
    {
        string[] names = [.. first[0].Fields.Select(f => f.Trim())];
        if (IsHeader(names, [.. first.Skip(1).Select(f => f.Fields)], reading.NamedColumns))
        {
            first.RemoveAt(0);
            if (!reading.NamedColumns.Any(names.Contains) && !names.Any(ColumnGuess.IsKnownName))
            {
                reading.Notes.Add(
                    $"The first line of '{fileName}' was taken for the columns' names: "
                        + $"{ReadingNotes.List(names)}."
                );
            }

            string? twice = names.GroupBy(h => h, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1)?.Key;
            return twice is null
                ? names
                : throw new DatasetException(
                    DatasetFaultCode.NoColumn,
                    $"'{fileName}' names the column '{twice}' twice in its first line; the first line must name "
                        + "each column once."
                );
        }

        reading.Notes.Add(
            $"'{fileName}' has no line of column names; its columns are called 'column 1' to 'column {names.Length}'."
        );
        return [.. Enumerable.Range(1, names.Length).Select(i => $"column {i}")];
    }

    /// <summary>
    /// Columns that project.yaml names settle it, and so does a line with a known name of a text and one of a label.
    /// Else names are short, are no numbers, end like no sentence, and do not come again as values. One line alone is
    /// taken for names.
    /// </summary>
    private static bool IsHeader(string[] names, List<string[]> rows, IReadOnlyCollection<string> namedColumns)
    {
        const int LongestName = 64;
        if (namedColumns.Count > 0 && namedColumns.All(names.Contains))
        {
            return true;
        }

        bool repeats = Enumerable
            .Range(0, names.Length)
            .Any(i =>
                names[i].Length > 0
                && rows.Any(r => i < r.Length && r[i].Trim().Equals(names[i], StringComparison.OrdinalIgnoreCase))
            );
        int known = names.Count(ColumnGuess.IsKnownName);
        if (known > 1 || (known == 1 && !repeats))
        {
            return true;
        }

        // A label stands in many rows; a name stands in none. A label among very many may not come again among the
        // first rows: then the other columns' first values look like texts and numbers all the same.
        return !repeats
            && !names.Any(n =>
                n.Length > LongestName
                || double.TryParse(n, System.Globalization.CultureInfo.InvariantCulture, out _)
                || (n.Length > 0 && ".!?".Contains(n[^1], StringComparison.Ordinal))
                || n.Count(c => c == ' ') > 4
            );
    }
}

/// <summary>What a reader of tables goes by.</summary>
/// <param name="NamedColumns">Columns that project.yaml names.</param>
/// <param name="Budget">What reading may cost.</param>
/// <param name="Notes">Takes up what is noticed.</param>
internal sealed record TableReading(IReadOnlyCollection<string> NamedColumns, InputBudget Budget, ReadingNotes Notes);
