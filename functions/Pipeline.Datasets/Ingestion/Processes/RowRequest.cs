using Pipeline.Contracts;

namespace Pipeline.Datasets.Ingestion.Processes;

/// <summary>A file that a process of its own shall read.</summary>
/// <param name="Format">Its format.</param>
/// <param name="Path">Where it lies on disk.</param>
/// <param name="Name">Its name for people.</param>
/// <param name="Columns">Columns that project.yaml names.</param>
/// <param name="Limits">What reading it may cost.</param>
internal sealed record RowRequest(
    RowFormat Format,
    string Path,
    string Name,
    IReadOnlyList<string> Columns,
    LimitSettings Limits
);

/// <summary>Formats whose readers cannot be bounded from inside.</summary>
internal enum RowFormat
{
    Parquet,
    Spreadsheet,

    /// <summary>A mail or an mbox.</summary>
    Mail,
}
