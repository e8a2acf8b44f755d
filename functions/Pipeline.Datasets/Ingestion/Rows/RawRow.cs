using System.Text.Json;
using Pipeline.Contracts;
using Pipeline.Datasets.Splitting;

namespace Pipeline.Datasets.Ingestion.Rows;

/// <summary>One row as it was read.</summary>
/// <param name="Place">Where it is.</param>
/// <param name="Fields">The texts of its cells by column: <see cref="Cell.Text"/>.</param>
/// <param name="Fault">Why it cannot be read as a row, or <c>null</c>.</param>
public sealed record RawRow(RowPlace Place, IReadOnlyDictionary<string, string> Fields, string? Fault)
{
    /// <summary>The fault of a row that was withdrawn.</summary>
    public const string Withdrawn = "withdrawn: nothing of it is kept";

    /// <summary>What those cells hold that hold no text; <c>null</c>: all hold text.</summary>
    public IReadOnlyDictionary<string, CellKind>? Kinds { get; init; }

    /// <summary>Whether the fault is that it was withdrawn.</summary>
    public bool IsWithdrawn { get; init; }

    /// <summary>
    /// The side of the split that the data puts it on; <c>null</c>: the data has no split of its own.
    /// </summary>
    public Split? Split { get; init; }

    /// <summary>What it takes in memory, roughly, in characters.</summary>
    internal long Length => Fields.Sum(f => (long)f.Key.Length + f.Value.Length + PerCell);

    private const int PerCell = 32;

    /// <summary>The id of the row in datasets.</summary>
    public string Id => $"{Place.File}#{Place.Row}";

    /// <summary>
    /// A cell; of a column that does not exist the value at a path such as <c>inputs.question</c> or
    /// <c>annotations[0].label</c>; missing where there is none.
    /// </summary>
    public Cell this[string column] =>
        Fields.TryGetValue(column, out string? text)
            ? new Cell(text, Kinds?.GetValueOrDefault(column, CellKind.Text) ?? CellKind.Text)
            : CellPath.Find(this, column);

    /// <summary>A row of JSON values.</summary>
    /// <exception cref="InvalidOperationException">A text holds half of a surrogate pair.</exception>
    public static RawRow From(RowPlace place, IEnumerable<(string Name, JsonElement Value)> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        Dictionary<string, CellKind>? kinds = null;
        foreach ((string name, JsonElement value) in values)
        {
            Cell cell = CellPath.Read(value);
            fields[name] = cell.Text;
            if (cell.Kind != CellKind.Text)
            {
                (kinds ??= new Dictionary<string, CellKind>(StringComparer.Ordinal))[name] = cell.Kind;
            }
        }

        return new RawRow(place, fields, null) { Kinds = kinds };
    }
}
