using System.Diagnostics;
using Pipeline.Contracts;

namespace Pipeline.Datasets.Ingestion.Rows;

/// <summary>
/// What reading one file may cost, enforced by every reader, and the words when it costs more: the limit and the
/// setting that raises it.
/// </summary>
/// <param name="limits">The project's limits.</param>
internal sealed class InputBudget(LimitSettings limits)
{
    /// <summary>Lists and objects within each other, and parts of a mail: no setting raises it.</summary>
    public const int MaxDepth = 64;

    /// <summary>Every limit at its default.</summary>
    public static InputBudget Default { get; } = new(new LimitSettings());

    public LimitSettings Limits => limits;

    /// <summary>Characters of a row.</summary>
    public int RowCharacters => limits.RowMegabytes << 20;

    /// <summary>Bytes of one file, or of all that an archive unpacks to.</summary>
    public long FileBytes => (long)limits.FileMegabytes << 20;

    /// <summary>The fault of a row that is too long.</summary>
    public string LongRow =>
        $"the row is longer than {limits.RowMegabytes} million characters; {Raise(nameof(limits.RowMegabytes))}";

    /// <summary>The fault of a row with too many columns.</summary>
    public string WideRow(int columns) =>
        $"the row has {columns:N0} columns, more than {limits.Columns:N0}; {Raise(nameof(limits.Columns))}";

    /// <summary>The same, where nobody counted them.</summary>
    public string WideRow() => $"the row has more than {limits.Columns:N0} columns; {Raise(nameof(limits.Columns))}";

    /// <summary>Which setting raises a limit, in words.</summary>
    /// <param name="property">A property of <see cref="LimitSettings"/>.</param>
    public static string Raise(string property) =>
        $"limits.{char.ToLowerInvariant(property[0])}{property[1..]} in project.yaml raises that";

    /// <summary>Refuses a file that is larger than any may be.</summary>
    /// <exception cref="DatasetException">It is.</exception>
    public void RequireFile(RawFile file)
    {
        if (file.Length > FileBytes)
        {
            throw TooLarge(file.Name, limits.FileMegabytes, "", nameof(limits.FileMegabytes));
        }
    }

    /// <summary>Refuses a file that must be read as a whole and is too large for it.</summary>
    /// <param name="file">The file.</param>
    /// <param name="kind">What it is, such as "one JSON object".</param>
    /// <exception cref="DatasetException">It is too large.</exception>
    public void RequireDocument(RawFile file, string kind)
    {
        if (file.Length > (long)limits.DocumentMegabytes << 20)
        {
            throw TooLarge(
                file.Name,
                limits.DocumentMegabytes,
                $" and {kind}, which is read as a whole",
                nameof(limits.DocumentMegabytes)
            );
        }
    }

    /// <summary>Refuses rows that have too many different columns.</summary>
    /// <exception cref="DatasetException">They have.</exception>
    public void RequireColumns(string fileName, int columns)
    {
        if (columns > limits.Columns)
        {
            throw new DatasetException(
                DatasetFaultCode.UnreadableFile,
                $"The rows of '{fileName}' have {columns:N0} different columns, more than {limits.Columns:N0}; "
                    + $"{Raise(nameof(limits.Columns))}."
            );
        }
    }

    /// <summary>
    /// A file's rows as far as the budget goes. Where it ends, a row with the fault stands for all that is not read.
    /// </summary>
    /// <param name="file">The file.</param>
    /// <param name="rows">Its rows.</param>
    /// <param name="notes">Takes up what was not read.</param>
    /// <exception cref="DatasetException">Reading takes too long.</exception>
    public IEnumerable<RawRow> Spend(RawFile file, IEnumerable<RawRow> rows, ReadingNotes notes)
    {
        long allowed = SecondsFor(file.Length) * Stopwatch.Frequency;
        (int count, long cells, long spent) = (0, 0, 0);
        using IEnumerator<RawRow> each = rows.GetEnumerator();
        while (true)
        {
            long started = Stopwatch.GetTimestamp();
            bool more = each.MoveNext();
            spent += Stopwatch.GetTimestamp() - started;
            if (spent > allowed)
            {
                throw Slow(file);
            }

            if (!more)
            {
                break;
            }

            cells += each.Current.Fields.Count;
            count++;
            string? over =
                count > limits.Rows ? $"{limits.Rows:N0} rows; {Raise(nameof(limits.Rows))}"
                : cells > limits.Cells ? $"{limits.Cells:N0} cells; {Raise(nameof(limits.Cells))}"
                : null;
            if (over is not null)
            {
                notes.AddUnread(file, $"it goes on after {over}");
                yield return new RawRow(
                    each.Current.Place,
                    new Dictionary<string, string>(),
                    $"this row and all after it are not read: the file has more than {over}"
                );
                break;
            }

            yield return each.Current;
        }
    }

    /// <summary>Seconds that reading a file of some bytes may take.</summary>
    public long SecondsFor(long bytes) => limits.CpuSeconds + (bytes >> 20);

    /// <summary>Reading a file takes too long.</summary>
    public DatasetException Slow(RawFile file) =>
        new(
            DatasetFaultCode.UnreadableFile,
            $"'{file.Name}' takes more than {SecondsFor(file.Length):N0} seconds to read; "
                + $"{Raise(nameof(limits.CpuSeconds))}."
        );

    /// <summary>A sheet has too many cells or rows, empty ones counted.</summary>
    public DatasetException TooManyCells(RawFile file) =>
        new(
            DatasetFaultCode.UnreadableFile,
            $"'{file.Name}' has a sheet of more than {limits.Rows:N0} rows or {limits.Cells:N0} cells, empty ones "
                + $"counted; limits.rows and limits.cells in project.yaml raise that."
        );

    /// <summary>Reading a file takes too much memory.</summary>
    public DatasetException Large(RawFile file) =>
        new(
            DatasetFaultCode.UnreadableFile,
            $"'{file.Name}' takes more than {limits.MemoryMegabytes:N0} megabytes of memory to read; "
                + $"{Raise(nameof(limits.MemoryMegabytes))}."
        );

    private static DatasetException TooLarge(string name, int megabytes, string why, string property) =>
        new(
            DatasetFaultCode.UnreadableFile,
            $"'{name}' is larger than {megabytes:N0} megabytes{why}; {Raise(property)}."
        );
}
