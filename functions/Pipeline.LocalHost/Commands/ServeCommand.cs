using System.CommandLine;
using System.Net;
using Pipeline.LocalHost.Hosting;

namespace Pipeline.LocalHost.Commands;

/// <summary><c>serve</c>: the function app on this machine until stopped.</summary>
internal static class ServeCommand
{
    public static Command Create()
    {
        Option<string> data = CommandOptions.Data("serve");
        var port = new Option<int>("--port")
        {
            Description = "Port of the HTTP functions on loopback; 0: a free one",
            DefaultValueFactory = _ => 7071,
        };
        var listen = new Option<string?>("--listen")
        {
            Description =
                "Address to listen on; default: loopback only. Beyond loopback the functions ask for the key that "
                + "is printed (x-functions-key or ?code=)",
        };
        var allow = new Option<string[]>("--allow-host")
        {
            Description = "A name under which the host may be called beside localhost; may be said several times",
            DefaultValueFactory = _ => [],
        };
        var command = new Command("serve", "Run the function app until stopped") { data, port, listen, allow };
        command.SetAction(
            (parsed, cancellation) =>
            {
                string folder = Path.GetFullPath(parsed.GetRequiredValue(data));
                IPAddress? address = Address(parsed.GetValue(listen));
                var options = new HostOptions
                {
                    DataDirectory = folder,
                    Port = parsed.GetValue(port),
                    Listen = address,
                    AllowedHosts = parsed.GetValue(allow)!,
                    Key = address is null || IPAddress.IsLoopback(address) ? null : FunctionKey.ReadOrCreate(folder),
                };
                return RunAsync(options, cancellation);
            }
        );
        return command;
    }

    private static IPAddress? Address(string? text) =>
        text is null ? null
        : IPAddress.TryParse(text, out IPAddress? address) ? address
        : throw new HostException($"--listen is '{text}', which is not an IP address.");

    private static async Task<int> RunAsync(HostOptions options, CancellationToken cancellation)
    {
        string data = options.DataDirectory;
        await using EmbeddedHost host = await EmbeddedHost.StartAsync(options, Console.WriteLine, cancellation);
        new HostEndpoint(
            Environment.ProcessId,
            host.Address,
            host.EmulatorProcessId is null ? null : host.Account.ConnectionString
        ).Write(data);
        try
        {
            Console.WriteLine(
                $"Runs at {host.Address} ; HTTP functions at {host.Address}api/ ; drop files into raw/PROJECT/NAME. "
                    + "Ctrl-C stops."
            );
            if (host.EmulatorProcessId is not null)
            {
                Console.WriteLine($"Storage: {host.Account.ConnectionString}");
            }

            if (options.Key is not null)
            {
                Console.WriteLine($"Page of runs: {host.Address}api/dashboard?code={options.Key}");
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
