using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Formats;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Ingestion.Processes;

/// <summary>
/// A process that reads files for this one, with a heap limit and under a watch: it is killed when it takes more
/// processor time or memory than a file may.
/// </summary>
internal sealed class ReaderProcess : IDisposable
{
    private const int BytesOfCharacter = 4;
    private const int SpareMegabytes = 256; // what a process has besides its heap
    private readonly Process _process;
    private readonly DirectoryInfo _temporary;
    private readonly StringBuilder _errors = new();

    private ReaderProcess(Process process, DirectoryInfo temporary, int memoryMegabytes)
    {
        (_process, _temporary, MemoryMegabytes) = (process, temporary, memoryMegabytes);
        process.ErrorDataReceived += (_, e) =>
        {
            lock (_errors)
            {
                _errors.Append(_errors.Length < 500 ? e.Data : "");
            }
        };
        process.BeginErrorReadLine();
    }

    /// <summary>The limit of its heap.</summary>
    public int MemoryMegabytes { get; }

    /// <summary>Whether it can read another file.</summary>
    public bool IsUsable { get; private set; } = true;

    /// <summary>When it had nothing to do since.</summary>
    public long IdleSince { get; set; }

    /// <summary>Starts a process.</summary>
    /// <param name="memoryMegabytes">The limit of its heap.</param>
    /// <exception cref="DatasetException">There is no program that could be started.</exception>
    public static ReaderProcess Start(int memoryMegabytes)
    {
        DirectoryInfo temporary = Directory.CreateTempSubdirectory("pipeline-reader-");
        (string file, string[] arguments) = Program();
        var info = new ProcessStartInfo(file, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = temporary.FullName,
        };
        ChildEnvironment.Apply(
            info.Environment,
            new Dictionary<string, string>
            {
                ["TMPDIR"] = temporary.FullName,
                ["TMP"] = temporary.FullName,
                ["TEMP"] = temporary.FullName,
                ["DOTNET_gcServer"] = "0",
                ["DOTNET_GCHeapHardLimit"] = ((long)memoryMegabytes << 20).ToString("x", CultureInfo.InvariantCulture),
                ["DOTNET_EnableDiagnostics"] = "0",
                ["DOTNET_DbgEnableMiniDump"] = "0",
            }
        );
        return new ReaderProcess(Process.Start(info)!, temporary, memoryMegabytes);
    }

    /// <summary>Reads a file.</summary>
    /// <param name="request">The file.</param>
    /// <param name="file">The same file, for words.</param>
    /// <param name="reading">What reading it may cost, and where notes go.</param>
    /// <exception cref="DatasetException">It cannot be read, or not within the budget.</exception>
    public IEnumerable<RawRow> Read(RowRequest request, RawFile file, TableReading reading)
    {
        List<string> names = [];
        using var watch = new ReaderWatch(_process, reading.Budget, file, MemoryMegabytes + SpareMegabytes);
        string line = JsonSerializer.Serialize(request);
        for (bool more = true; more; line = "")
        {
            (FrameKind kind, BinaryReader frame) = Exchange(line, watch, reading.Budget, file);
            more = kind == FrameKind.Rows;
            for (int left = frame.ReadInt32(); left > 0; left--)
            {
                yield return RowFrame.Read(frame, file.Name, names);
            }

            if (kind == FrameKind.Fault)
            {
                throw new DatasetException((DatasetFaultCode)frame.ReadInt32(), frame.ReadString());
            }

            if (kind == FrameKind.End)
            {
                foreach (string sentence in JsonSerializer.Deserialize<string[]>(frame.ReadString())!)
                {
                    reading.Notes.Add(sentence);
                }
            }
        }
    }

    public void Dispose()
    {
        IsUsable = false;
        try
        {
            _process.Kill();
        }
        catch (InvalidOperationException)
        {
            // it has ended
        }

        _process.WaitForExit();
        _process.Dispose();
        _temporary.Delete(recursive: true);
    }

    private (FrameKind Kind, BinaryReader Frame) Exchange(
        string line,
        ReaderWatch watch,
        InputBudget budget,
        RawFile file
    )
    {
        bool answered = false;
        watch.IsWaiting = true;
        try
        {
            _process.StandardInput.WriteLine(line);
            _process.StandardInput.Flush();
            (FrameKind kind, BinaryReader frame) = RowFrame.Receive(
                _process.StandardOutput.BaseStream,
                ((long)BytesOfCharacter * budget.RowCharacters) + (BytesOfCharacter * RowFrame.FullBytes)
            );
            answered = kind != FrameKind.OutOfMemory;
            return answered ? (kind, frame) : throw budget.Large(file);
        }
        catch (Exception fault) when (fault is IOException or InvalidDataException)
        {
            throw watch.Fault ?? Ended(budget, file, fault);
        }
        finally
        {
            IsUsable = answered;
            watch.IsWaiting = false;
        }
    }

    /// <summary>The process has ended, and nobody killed it.</summary>
    private DatasetException Ended(InputBudget budget, RawFile file, Exception fault)
    {
        _process.WaitForExit(TimeSpan.FromSeconds(5));
        string errors;
        lock (_errors)
        {
            errors = _errors.ToString();
        }

        return errors.Contains("Out of memory", StringComparison.OrdinalIgnoreCase)
            ? budget.Large(file)
            : new DatasetException(
                DatasetFaultCode.UnreadableFile,
                $"'{file.Name}' cannot be read: what reads it breaks "
                    + $"({(_process.HasExited ? $"exit code {_process.ExitCode}" : fault.Message)}).",
                fault
            );
    }

    /// <summary>How this program is started as a reader.</summary>
    private static (string File, string[] Arguments) Program()
    {
        string assembly =
            RowReaderProgram.Assembly
            ?? Programs.Select(p => Path.Combine(AppContext.BaseDirectory, p)).FirstOrDefault(File.Exists)
            ?? throw new DatasetException(
                DatasetFaultCode.UnreadableFile,
                "Parquet and XLSX files are read by a process of their own, and this program has none to start."
            );
        string dotnet = OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet";
        string shared = Path.GetFullPath(
            Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", dotnet)
        );
        string own = Path.ChangeExtension(assembly, OperatingSystem.IsWindows() ? ".exe" : null);
        return File.Exists(shared) || !File.Exists(own)
            ? (File.Exists(shared) ? shared : dotnet, ["exec", assembly, RowReaderProgram.Argument])
            : (own, [RowReaderProgram.Argument]);
    }

    /// <summary>Programs that begin with <see cref="RowReaderProgram.TryRun"/>.</summary>
    private static readonly string[] Programs = ["Pipeline.LocalHost.dll", "Pipeline.Functions.dll"];
}
