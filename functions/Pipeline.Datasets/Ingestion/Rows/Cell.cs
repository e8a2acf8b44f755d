namespace Pipeline.Datasets.Ingestion.Rows;

/// <summary>What a cell holds.</summary>
public enum CellKind
{
    /// <summary>A text, as every cell of a CSV file is.</summary>
    Text,

    /// <summary>A number.</summary>
    Number,

    /// <summary><c>true</c> or <c>false</c>.</summary>
    Flag,

    /// <summary>Nothing: null, NaN, an error of a spreadsheet, or no such column.</summary>
    Missing,

    /// <summary>A list, as JSON.</summary>
    List,

    /// <summary>An object or a map, as JSON.</summary>
    Structure,
}

/// <summary>One value of a row.</summary>
/// <param name="Text">The text, the number or flag as it was written, JSON of a list or an object; empty where it is
/// missing.</param>
/// <param name="Kind">What it holds.</param>
public readonly record struct Cell(string Text, CellKind Kind)
{
    /// <summary>No value.</summary>
    public static Cell Missing { get; } = new("", CellKind.Missing);
}
