using System.Diagnostics;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Ingestion.Processes;

/// <summary>Watches what a process takes while it reads a file, and kills it when that is too much.</summary>
internal sealed class ReaderWatch : IDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan MaxIdle = TimeSpan.FromMinutes(1);
    private readonly Process _process;
    private readonly InputBudget _budget;
    private readonly RawFile _file;
    private readonly int _memoryMegabytes;
    private readonly TimeSpan _started;
    private readonly Timer _timer;
    private TimeSpan _last;
    private long _lastChange = Stopwatch.GetTimestamp();
    private volatile bool _isWaiting;

    /// <summary>Begins to watch.</summary>
    /// <param name="process">The process; stays the caller's.</param>
    /// <param name="budget">What reading may cost.</param>
    /// <param name="file">The file.</param>
    /// <param name="memoryMegabytes">Working set that it may have.</param>
    public ReaderWatch(Process process, InputBudget budget, RawFile file, int memoryMegabytes)
    {
        (_process, _budget, _file, _memoryMegabytes) = (process, budget, file, memoryMegabytes);
        process.Refresh();
        _started = process.HasExited ? TimeSpan.Zero : process.TotalProcessorTime;
        _timer = new Timer(_ => Check(), null, Period, Period);
    }

    /// <summary>Why the process was killed; <c>null</c>: it was not.</summary>
    public DatasetException? Fault { get; private set; }

    /// <summary>Whether an answer of the process is due.</summary>
    public bool IsWaiting
    {
        get => _isWaiting;
        set
        {
            Interlocked.Exchange(ref _lastChange, Stopwatch.GetTimestamp());
            _isWaiting = value;
        }
    }

    /// <summary>Ends the watch; none of its looks goes on after it.</summary>
    public void Dispose()
    {
        using var done = new ManualResetEvent(false);
        if (_timer.Dispose(done))
        {
            done.WaitOne();
        }
    }

    private DatasetException Silent() =>
        new(
            DatasetFaultCode.UnreadableFile,
            $"'{_file.Name}' cannot be read: what reads it has done nothing for {MaxIdle.TotalSeconds:0} seconds."
        );

    private void Check()
    {
        try
        {
            _process.Refresh();
            if (_process.HasExited || Fault is not null)
            {
                return;
            }

            TimeSpan taken = _process.TotalProcessorTime;
            if (taken != _last)
            {
                (_last, _lastChange) = (taken, Stopwatch.GetTimestamp());
            }

            Fault =
                (taken - _started).TotalSeconds > _budget.SecondsFor(_file.Length) ? _budget.Slow(_file)
                : _process.WorkingSet64 > (long)_memoryMegabytes << 20 ? _budget.Large(_file)
                : Stopwatch.GetElapsedTime(_lastChange) > MaxIdle && IsWaiting ? Silent()
                : null;
            if (Fault is not null)
            {
                _process.Kill();
            }
        }
        catch (Exception fault) when (fault is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            // it ended meanwhile
        }
    }
}
