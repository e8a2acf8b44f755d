using System.Diagnostics;

namespace Pipeline.GpuWorker.Tests.Worker.Commands;

/// <summary>The real worker as a process.</summary>
internal static class WorkerProgram
{
    /// <summary>Runs it to its end.</summary>
    /// <param name="arguments">Of its command line.</param>
    /// <param name="directory">Where it lies; <c>null</c>: beside the tests.</param>
    /// <param name="workingDirectory">Where it runs; <c>null</c>: where the tests do.</param>
    /// <param name="environment">Over that of the tests; a <c>null</c> takes a variable away.</param>
    public static (int Code, string Output, string Errors) Run(
        IEnumerable<string> arguments,
        string? directory = null,
        string? workingDirectory = null,
        IReadOnlyDictionary<string, string?>? environment = null
    )
    {
        var start = new ProcessStartInfo(
            "dotnet",
            [Path.Combine(directory ?? AppContext.BaseDirectory, "Pipeline.Worker.dll"), .. arguments]
        )
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = workingDirectory ?? "",
        };
        foreach ((string name, string? value) in environment ?? new Dictionary<string, string?>())
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = process.StandardOutput.ReadToEnd();
        string errorText = errors.GetAwaiter().GetResult();
        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(2)), $"{string.Join(' ', arguments)} did not end");
        return (process.ExitCode, output, errorText);
    }
}
