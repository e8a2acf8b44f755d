using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace Pipeline.Contracts;

/// <summary>
/// What reading one file may cost, so that a file that is broken or made to harm costs its project a rejected row, and
/// nobody else anything. A megabyte has 2^20 bytes.
/// </summary>
public sealed record LimitSettings
{
    /// <summary>Bytes of one file, of an archive what it unpacks to. 1 to 1,000,000; default 65,536 (64 GiB).</summary>
    [Range(1, 1_000_000)]
    [Description("megabytes of one file, and of all that one archive unpacks to")]
    public int FileMegabytes { get; init; } = 65_536;

    /// <summary>
    /// Bytes of what must be read as a whole: a JSON object that holds all rows, a mail. 1 to 1,024; default 64.
    /// </summary>
    [Range(1, 1024)]
    [Description("megabytes of what must be read as a whole: one JSON object that holds all rows, a mail")]
    public int DocumentMegabytes { get; init; } = 64;

    /// <summary>Characters of one row or line, in units of 2^20. 1 to 256; default 16.</summary>
    [Range(1, 256)]
    [Description("million characters of one row; a longer one is rejected")]
    public int RowMegabytes { get; init; } = 16;

    /// <summary>1 to 2,147,483,647; default 10,000,000.</summary>
    [Range(1, int.MaxValue)]
    [Description("rows of one file; the rest of it is not read, and that is said")]
    public int Rows { get; init; } = 10_000_000;

    /// <summary>1 to 65,536; default 4,096.</summary>
    [Range(1, 65_536)]
    [Description("columns of one row, and different columns among a file's first rows")]
    public int Columns { get; init; } = 4096;

    /// <summary>Cells of one file, empty ones too. 1 to 2,147,483,647; default 500,000,000.</summary>
    [Range(1, int.MaxValue)]
    [Description("cells of one file; the rest of it is not read, and that is said")]
    public int Cells { get; init; } = 500_000_000;

    /// <summary>Files of an archive or a folder. 1 to 1,000,000; default 200,000.</summary>
    [Range(1, 1_000_000)]
    [Description("files of one archive or folder")]
    public int Entries { get; init; } = 200_000;

    /// <summary>
    /// Seconds of processor time to read one file once, and another for each megabyte of it. 1 to 86,400; default 120.
    /// </summary>
    [Range(1, 86_400)]
    [Description("seconds of processor time to read one file once, besides one for each megabyte of it")]
    public int CpuSeconds { get; init; } = 120;

    /// <summary>
    /// Memory of the process that reads Parquet and XLSX files, in units of 2^20 bytes. 128 to 65,536; default 768.
    /// </summary>
    [Range(128, 65_536)]
    [Description("megabytes of memory to read a Parquet or XLSX file")]
    public int MemoryMegabytes { get; init; } = 768;
}
