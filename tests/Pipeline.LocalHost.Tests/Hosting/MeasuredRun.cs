using System.Diagnostics;

namespace Pipeline.LocalHost.Tests.Hosting;

/// <summary>A program that was run to its end, and what it took.</summary>
/// <param name="Code">Its exit code; -1: it was killed for want of time.</param>
/// <param name="Output">All that it printed.</param>
/// <param name="PeakWorkingSet">Peak working set, of it or of a process that it started, in bytes.</param>
/// <param name="Time">How long it ran.</param>
internal sealed record MeasuredRun(int Code, string Output, long PeakWorkingSet, TimeSpan Time)
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(20);

    /// <summary>Runs a program that lies beside the tests.</summary>
    public static async Task<MeasuredRun> StartAsync(string assembly, IEnumerable<string> arguments, TimeSpan most)
    {
        ProcessStartInfo info = DotnetProgram.Start(assembly, arguments);
        info.RedirectStandardOutput = true;
        info.RedirectStandardError = true;
        long started = Stopwatch.GetTimestamp();
        using Process process = Process.Start(info)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        long peak = 0;
        while (!process.HasExited)
        {
            peak = Math.Max(peak, Peak(process));
            if (Stopwatch.GetElapsedTime(started) > most)
            {
                process.Kill(entireProcessTree: true);
                await process.WaitForExitAsync(TestContext.Current.CancellationToken);
                return new MeasuredRun(-1, $"killed after {most}", peak, most);
            }

            await Task.Delay(Period, TestContext.Current.CancellationToken);
        }

        return new MeasuredRun(process.ExitCode, await output + await error, peak, Stopwatch.GetElapsedTime(started));
    }

    private static long Peak(Process process)
    {
        long peak = 0;
        foreach (int id in Descendants.Find(process.Id, "").Append(process.Id))
        {
            try
            {
                using var each = Process.GetProcessById(id);
                peak = Math.Max(peak, each.PeakWorkingSet64);
            }
            catch (Exception fault) when (fault is ArgumentException or InvalidOperationException)
            {
                // it has ended
            }
        }

        return peak;
    }
}
