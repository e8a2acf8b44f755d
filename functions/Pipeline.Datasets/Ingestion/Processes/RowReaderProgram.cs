using System.Text;
using System.Text.Json;
using Pipeline.Datasets.Ingestion.Formats;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Ingestion.Processes;

/// <summary>
/// The process that reads Parquet, XLSX and mails for another one: the same program, started with an argument of its
/// own, before any host is built. It reads requests from standard input, one JSON object a line for a file, an empty
/// line for more rows of it, and writes frames of rows to standard output. It ends with its standard input.
/// </summary>
public static class RowReaderProgram
{
    /// <summary>The argument that makes a program a reader.</summary>
    public const string Argument = "read-rows";

    /// <summary>The assembly that can be started as a reader; <c>null</c>: the entry assembly cannot.</summary>
    internal static string? Assembly { get; private set; }

    /// <summary>Reads for another process where the arguments say so. Stands first in a program.</summary>
    /// <param name="arguments">The program's.</param>
    /// <returns>Whether that was all.</returns>
    public static bool TryRun(IReadOnlyList<string> arguments)
    {
        if (arguments is not [Argument])
        {
            Assembly = System.Reflection.Assembly.GetEntryAssembly()?.Location;
            return false;
        }

        using Stream output = Console.OpenStandardOutput();
        Console.SetOut(TextWriter.Null); // what a library prints is no frame
        using var input = new StreamReader(Console.OpenStandardInput(), Encoding.UTF8);
        Serve(input, output);
        return true;
    }

    private static void Serve(StreamReader input, Stream output)
    {
        Session? session = null;
        try
        {
            while (input.ReadLine() is { } line)
            {
                if (line.Length > 0)
                {
                    session?.Dispose();
                    session = new Session(JsonSerializer.Deserialize<RowRequest>(line)!);
                }

                if (!session!.Send(output))
                {
                    break;
                }
            }
        }
        finally
        {
            session?.Dispose();
        }
    }

    /// <summary>A file while it is read.</summary>
    private sealed class Session : IDisposable
    {
        private readonly ReadingNotes _notes = new();
        private readonly Dictionary<string, int> _names = new(StringComparer.Ordinal);
        private readonly IEnumerator<RawRow> _rows;
        private readonly InputBudget _budget;

        public Session(RowRequest request)
        {
            _budget = new InputBudget(request.Limits);
            RawFile file = RawFile.FromPath(request.Path, request.Name);
            IEnumerable<RawRow> rows = request.Format switch
            {
                RowFormat.Parquet => ParquetRows.Read(file, _budget),
                RowFormat.Mail => Mail.Read(file, _budget, _notes),
                _ => SpreadsheetReader.Read(file, new TableReading(request.Columns, _budget, _notes)),
            };
            _rows = rows.GetEnumerator();
        }

        /// <summary>Sends a frame.</summary>
        /// <returns>Whether the process can go on.</returns>
        public bool Send(Stream output)
        {
            var content = new MemoryStream();
            using var writer = new BinaryWriter(content, Encoding.UTF8);
            writer.Write(0);
            FrameKind kind;
            int rows = 0;
            try
            {
                kind = Fill(writer, content, ref rows);
            }
            catch (DatasetException fault)
            {
                kind = FrameKind.Fault;
                writer.Write((int)fault.Code);
                writer.Write(fault.Message);
            }
            catch (OutOfMemoryException)
            {
                RowFrame.Send(output, FrameKind.OutOfMemory, new MemoryStream());
                return false;
            }

            writer.Flush();
            content.Position = 0;
            writer.Write(rows);
            writer.Flush();
            RowFrame.Send(output, kind, content);
            return true;
        }

        public void Dispose() => _rows.Dispose();

        private FrameKind Fill(BinaryWriter writer, MemoryStream content, ref int rows)
        {
            while (rows < RowFrame.FullRows && content.Length < RowFrame.FullBytes)
            {
                if (!_rows.MoveNext())
                {
                    writer.Write(JsonSerializer.Serialize(_notes.Sentences));
                    return FrameKind.End;
                }

                RawRow row = _rows.Current;
                if (row.Fields.Sum(f => (long)f.Value.Length) > _budget.RowCharacters)
                {
                    row = new RawRow(row.Place, new Dictionary<string, string>(), _budget.LongRow);
                }

                RowFrame.Write(writer, row, _names);
                writer.Flush();
                rows++;
            }

            return FrameKind.Rows;
        }
    }
}
