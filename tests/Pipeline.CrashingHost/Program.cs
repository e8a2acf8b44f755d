using System.Diagnostics;
using Pipeline.LocalHost.Hosting;

// The embedded host without a worker, to be killed. With a second argument it kills itself after the effect of each
// activity and before the engine has its result: once for every activity function. The file named there remembers, from
// process to process, which have died already.
(string data, string? died) = (args[0], args.ElementAtOrDefault(1));
var turn = new object();

async Task<object?> DieBehindAsync(string name, Func<Task<object?>> activity)
{
    object? result = await activity();
    lock (turn)
    {
        if (File.Exists(died) && File.ReadAllLines(died).Contains(name))
        {
            return result;
        }

        File.AppendAllLines(died!, [name]);
        Process.GetCurrentProcess().Kill(); // SIGKILL: nothing is tidied up
        return result;
    }
}

var options = new HostOptions
{
    DataDirectory = data,
    LogToConsole = false,
    StartWorker = false,
};
if (died is not null)
{
    options = options with { VisibilityTimeout = TimeSpan.FromSeconds(3), AroundActivity = DieBehindAsync };
}

await using EmbeddedHost host = await EmbeddedHost.StartAsync(options, _ => { }, CancellationToken.None);
await Task.Delay(Timeout.Infinite);
