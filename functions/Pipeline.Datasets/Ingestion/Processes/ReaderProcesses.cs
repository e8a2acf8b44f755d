using System.Diagnostics;
using Pipeline.Datasets.Ingestion.Files;
using Pipeline.Datasets.Ingestion.Formats;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Ingestion.Processes;

/// <summary>
/// The processes that read Parquet, XLSX and mails: started when there is a file, reused for the next one, ended when
/// there was none for half a minute, or with this process.
/// </summary>
internal sealed class ReaderProcesses : IDisposable
{
    private const int MaxIdleProcesses = 2;
    private static readonly TimeSpan MaxIdle = TimeSpan.FromSeconds(30);
    private readonly List<ReaderProcess> _idle = [];
    private readonly Timer _sweep;

    private ReaderProcesses()
    {
        _sweep = new Timer(_ => Sweep(MaxIdle), null, MaxIdle, MaxIdle);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Dispose();
    }

    /// <summary>Those of this process.</summary>
    public static ReaderProcesses Shared { get; } = new();

    /// <summary>The rows of a file.</summary>
    /// <param name="format">Its format.</param>
    /// <param name="file">The file.</param>
    /// <param name="spool">Where it is put on disk, if it is not there.</param>
    /// <param name="reading">What reading may cost, and where notes go.</param>
    /// <exception cref="DatasetException">It cannot be read, or not within the budget.</exception>
    public IEnumerable<RawRow> Read(RowFormat format, RawFile file, Spool spool, TableReading reading)
    {
        var request = new RowRequest(
            format,
            Path.GetFullPath(spool.PathOf(file)),
            file.Name,
            [.. reading.NamedColumns],
            reading.Budget.Limits
        );
        ReaderProcess process = Take(reading.Budget.Limits.MemoryMegabytes);
        try
        {
            foreach (RawRow row in process.Read(request, file, reading))
            {
                yield return row;
            }
        }
        finally
        {
            Return(process);
        }
    }

    /// <summary>Ends the processes that have nothing to do; the others end with this process.</summary>
    public void Dispose()
    {
        _sweep.Dispose();
        Sweep(TimeSpan.Zero);
    }

    private ReaderProcess Take(int memoryMegabytes)
    {
        lock (_idle)
        {
            int index = _idle.FindLastIndex(p => p.MemoryMegabytes == memoryMegabytes && p.IsUsable);
            if (index >= 0)
            {
                ReaderProcess found = _idle[index];
                _idle.RemoveAt(index);
                return found;
            }
        }

        return ReaderProcess.Start(memoryMegabytes);
    }

    private void Return(ReaderProcess process)
    {
        process.IdleSince = Stopwatch.GetTimestamp();
        lock (_idle)
        {
            if (process.IsUsable && _idle.Count < MaxIdleProcesses)
            {
                _idle.Add(process);
                return;
            }
        }

        process.Dispose();
    }

    private void Sweep(TimeSpan idle)
    {
        ReaderProcess[] ended;
        lock (_idle)
        {
            ended = [.. _idle.Where(p => Stopwatch.GetElapsedTime(p.IdleSince) >= idle)];
            _idle.RemoveAll(ended.Contains);
        }

        foreach (ReaderProcess process in ended)
        {
            process.Dispose();
        }
    }
}
