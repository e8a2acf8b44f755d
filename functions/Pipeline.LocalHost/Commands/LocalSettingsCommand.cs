using System.CommandLine;
using Pipeline.Contracts;
using Pipeline.LocalHost.Hosting;
using Pipeline.LocalHost.Processes;

namespace Pipeline.LocalHost.Commands;

/// <summary>
/// <c>local-settings</c>: writes the local.settings.json with which <c>func start</c> runs the app on the storage of a
/// data folder.
/// </summary>
internal static class LocalSettingsCommand
{
    public static Command Create()
    {
        Option<string> data = CommandOptions.Data("serve");
        var port = new Option<int>("--port")
        {
            Description = "Port that func start will listen on",
            DefaultValueFactory = _ => 7071,
        };
        var output = new Option<string>("--out")
        {
            Description = "The file to write",
            DefaultValueFactory = _ =>
                Path.Combine(RepositoryLayout.Root, "functions", "Pipeline.Functions", "local.settings.json"),
        };
        var command = new Command(
            "local-settings",
            "Write local.settings.json for func start on the storage of a data folder"
        )
        {
            data,
            port,
            output,
        };
        command.SetAction(
            (parsed, cancellation) =>
                RunAsync(
                    Path.GetFullPath(parsed.GetRequiredValue(data)),
                    parsed.GetValue(port),
                    parsed.GetRequiredValue(output),
                    cancellation
                )
        );
        return command;
    }

    private static async Task<int> RunAsync(string data, int port, string output, CancellationToken cancellation)
    {
        StorageAccount account =
            StorageAccount.From(new Dictionary<string, string?>(), Environment.GetEnvironmentVariable)
            ?? new StorageAccount(
                Azurite.ConnectionOf(Path.Combine(data, "azurite"))
                    ?? throw new HostException(
                        $"'{data}' has no storage emulator yet: run 'storage --data {data}' beside func start, or "
                            + $"set {StorageAccount.ConnectionSetting}."
                    ),
                null
            );
        var values = new SortedDictionary<string, string>(account.Settings.ToDictionary(), StringComparer.Ordinal)
        {
            ["FUNCTIONS_WORKER_RUNTIME"] = "dotnet-isolated",
            ["PIPELINE_MODELS"] = RepositoryLayout.Models,
            ["RetrainingSchedule"] = EmbeddedHost.DefaultSchedule,
            ["WEBSITE_HOSTNAME"] = $"127.0.0.1:{port}", // what the durable client is told to call
        };
        await File.WriteAllBytesAsync(
            output,
            ContractJson.WriteUtf8(new Settings(false, values, new Listening(port)), indented: true),
            cancellation
        );
        Console.WriteLine($"Wrote {output}. It holds the connection string of the storage: keep it out of git.");
        return 0;
    }

    private sealed record Settings(
        [property: System.Text.Json.Serialization.JsonPropertyName("IsEncrypted")] bool IsEncrypted,
        [property: System.Text.Json.Serialization.JsonPropertyName("Values")]
            IReadOnlyDictionary<string, string> Values,
        [property: System.Text.Json.Serialization.JsonPropertyName("Host")] Listening Host
    );

    private sealed record Listening(
        [property: System.Text.Json.Serialization.JsonPropertyName("LocalHttpPort")] int LocalHttpPort
    );
}
