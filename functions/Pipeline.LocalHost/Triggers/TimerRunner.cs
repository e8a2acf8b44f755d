using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NCrontab;
using Pipeline.LocalHost.Hosting;

namespace Pipeline.LocalHost.Triggers;

/// <summary>
/// Fires timer functions by their six-field NCRONTAB, each time on one of the hosts of an account. A firing whose host
/// dies is not made up for; the next one comes.
/// </summary>
internal sealed class TimerRunner(
    FunctionCatalog catalog,
    TriggerTable receipts,
    IConfiguration configuration,
    TimeProvider time,
    ILogger<TimerRunner> logger
) : BackgroundService
{
    /// <summary>The schedule of a timer.</summary>
    /// <exception cref="HostException">The setting is missing or no NCRONTAB.</exception>
    public static CrontabSchedule Schedule(string expression, Func<string, string?> setting)
    {
        string text = expression is ['%', .. var name, '%']
            ? setting(name) ?? throw new HostException($"The setting '{name}', a six-field NCRONTAB, is missing.")
            : expression;
        return CrontabSchedule.TryParse(text, new CrontabSchedule.ParseOptions { IncludingSeconds = true })
            ?? throw new HostException(
                $"'{text}' is not a six-field NCRONTAB, such as '0 0 3 * * *' for three o'clock every night."
            );
    }

    /// <summary>Reads every timer's schedule.</summary>
    /// <exception cref="HostException">One is missing or no NCRONTAB.</exception>
    public static void RequireSchedules(FunctionCatalog catalog, IConfiguration configuration)
    {
        foreach ((_, TimerTriggerAttribute trigger) in catalog.TriggeredBy<TimerTriggerAttribute>())
        {
            Schedule(trigger.Schedule, name => configuration[name]);
        }
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(
            catalog
                .TriggeredBy<TimerTriggerAttribute>()
                .Select(f =>
                    RunAsync(f.Function, Schedule(f.Trigger.Schedule, name => configuration[name]), stoppingToken)
                )
        );

    private async Task RunAsync(HostedFunction function, CrontabSchedule schedule, CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            DateTimeOffset now = time.GetUtcNow();
            var next = new DateTimeOffset(schedule.GetNextOccurrence(now.UtcDateTime), TimeSpan.Zero);
            while (next - time.GetUtcNow() is { Ticks: > 0 } wait)
            {
                await Task.Delay(wait < TimeSpan.FromHours(1) ? wait : TimeSpan.FromHours(1), time, cancellation);
            }

            try
            {
                if (!await receipts.TryTakeAsync(function.Name, next, cancellation))
                {
                    continue;
                }

                await catalog.InvokeAsync(
                    function,
                    p => p == function.TriggerParameter ? new TimerInfo() : null,
                    cancellation
                );
            }
            catch (Exception fault) when (!cancellation.IsCancellationRequested)
            {
                Log.TriggerFailed(logger, function.Name, "its schedule", 1, fault.Message);
            }
        }
    }
}
