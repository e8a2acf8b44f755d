using System.CommandLine;
using Pipeline.LocalHost.Files;
using Pipeline.LocalHost.Processes;

namespace Pipeline.LocalHost.Commands;

/// <summary>
/// <c>storage</c>: the storage emulator alone, for several hosts on one machine, or beside <c>func start</c>.
/// </summary>
internal static class StorageCommand
{
    public static Command Create()
    {
        Option<string> data = CommandOptions.Data("serve");
        var command = new Command(
            "storage",
            "Run the storage emulator alone until stopped, on a data folder and its ports"
        )
        {
            data,
        };
        command.SetAction(
            (parsed, cancellation) => RunAsync(Path.GetFullPath(parsed.GetRequiredValue(data)), cancellation)
        );
        return command;
    }

    private static async Task<int> RunAsync(string data, CancellationToken cancellation)
    {
        using FileStream held = DataFolder.Lock(data);
        await using Azurite azurite = await Azurite.StartAsync(
            Path.Combine(data, "azurite"),
            Console.WriteLine,
            cancellation
        );
        Console.WriteLine($"AzureWebJobsStorage={azurite.ConnectionString}");
        Console.WriteLine("Ctrl-C stops.");
        try
        {
            await Task.Delay(Timeout.Infinite, cancellation);
        }
        catch (OperationCanceledException)
        {
            Console.WriteLine("Stopping.");
        }

        return 0;
    }
}
