using System.CommandLine;
using Pipeline.LocalHost.Hosting;

namespace Pipeline.LocalHost.Commands;

/// <summary><c>serve</c>: the function app on this machine until stopped.</summary>
internal static class ServeCommand
{
    public static Command Create()
    {
        Option<string> data = CommandOptions.Data("serve");
        var port = new Option<int>("--port") { Description = "Port of the HTTP functions on loopback; 0: a free one", DefaultValueFactory = _ => 7071 };
        var command = new Command("serve", "Run the function app until stopped") { data, port };
        command.SetAction((parsed, cancellation) => RunAsync(Path.GetFullPath(parsed.GetRequiredValue(data)), parsed.GetValue(port), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(string data, int port, CancellationToken cancellation)
    {
        await using EmbeddedHost host = await EmbeddedHost.StartAsync(new HostOptions { DataDirectory = data, Port = port }, Console.WriteLine, cancellation);
        new HostEndpoint(Environment.ProcessId, host.Address, host.EmulatorProcessId is null ? null : host.ConnectionString).Write(data);
        try
        {
            Console.WriteLine($"HTTP functions at {host.Address}api/ ; drop files into raw/PROJECT/NAME. Ctrl-C stops.");
            if (host.EmulatorProcessId is not null)
            {
                Console.WriteLine($"Storage: {host.ConnectionString}");
            }

            await Task.Delay(Timeout.Infinite, cancellation);
        }
        catch (OperationCanceledException)
        {
            Console.WriteLine("Stopping.");
        }
        finally
        {
            HostEndpoint.Delete(data);
        }

        return 0;
    }
}
