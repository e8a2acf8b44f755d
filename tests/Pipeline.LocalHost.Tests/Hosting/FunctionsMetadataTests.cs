using System.Reflection;
using System.Runtime.Loader;
using System.Text.Json;
using Microsoft.Extensions.Configuration;
using Pipeline.LocalHost.Commands;

namespace Pipeline.LocalHost.Tests.Hosting;

/// <summary>
/// What the Functions host will read: the metadata that the Sdk generates, worker.config.json, host.json.
/// </summary>
public sealed class FunctionsMetadataTests
{
    private static string Output { get; } =
        RepositoryFiles.At(
            "functions",
            "Pipeline.Functions",
            "bin",
            AppContext.BaseDirectory.Split(Path.DirectorySeparatorChar).SkipWhile(p => p != "bin").Skip(1).First(),
            "net10.0"
        );

    [Fact]
    public void Metadata_EveryFunction_HasItsNameBindingsAndAuthLevel()
    {
        using JsonDocument metadata = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Output, "functions.metadata")));
        Assert.Equal(
            ExpectedBindings.All.Order(StringComparer.Ordinal),
            metadata.RootElement.EnumerateArray().Select(Describe).Order(StringComparer.Ordinal)
        );
        Assert.All(
            metadata.RootElement.EnumerateArray(),
            f =>
                Assert.Equal(
                    ("dotnet-isolated", "Pipeline.Functions.dll"),
                    (f.GetProperty("language").GetString(), f.GetProperty("scriptFile").GetString())
                )
        );
    }

    [Fact]
    public void WorkerConfig_OfTheApp_StartsItsAssembly()
    {
        using JsonDocument config = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Output, "worker.config.json")));
        JsonElement description = config.RootElement.GetProperty("description");

        Assert.Equal(
            ("dotnet-isolated", "dotnet", "Pipeline.Functions.dll"),
            (
                description.GetProperty("language").GetString(),
                description.GetProperty("defaultExecutablePath").GetString(),
                description.GetProperty("defaultWorkerPath").GetString()
            )
        );
    }

    /// <summary>What the app needs beside its assemblies lies where it is published from.</summary>
    [Fact]
    public void Output_HoldsHostFileExtensionsAndTokenizers() =>
        Assert.All(
            (string[])
                [
                    "host.json",
                    ".azurefunctions/function.deps.json",
                    "models/tiny-llama-chat/tokenizer.json",
                    "models/tiny-llama-chat/config.json",
                ],
            f => Assert.True(File.Exists(Path.Combine(Output, f)), f)
        );

    /// <summary>
    /// The durable extension checks these settings when the host starts, and a host that does not start says so in its
    /// log alone: 20 s for the control queues were refused.
    /// </summary>
    [Fact]
    public void HostFile_StorageProvider_IsAcceptedByTheExtensionItself()
    {
        string folder = Path.Combine(Output, ".azurefunctions");
        var context = new AssemblyLoadContext("extension", isCollectible: true);
        context.Resolving += (loader, name) =>
            Path.Combine(folder, name.Name + ".dll") is var path && File.Exists(path)
                ? loader.LoadFromAssemblyPath(path)
                : null;
        Type type = context
            .LoadFromAssemblyPath(Path.Combine(folder, "Microsoft.Azure.WebJobs.Extensions.DurableTask.dll"))
            .GetType("Microsoft.Azure.WebJobs.Extensions.DurableTask.AzureStorageOptions", throwOnError: true)!;
        IConfigurationSection provider = new ConfigurationBuilder()
            .AddJsonFile(RepositoryFiles.At("host.json"))
            .Build()
            .GetSection("extensions:durableTask:storageProvider");
        object options = Activator.CreateInstance(type)!;
        string[] set = [.. provider.GetChildren().Select(s => s.Key).Where(k => k != "type")];

        provider.Bind(options);
        type.GetMethod("Validate")!.Invoke(options, BindingFlags.DoNotWrapExceptions, null, [null], null);

        Assert.All(
            set,
            key =>
                Assert.NotNull(
                    type.GetProperty(key, BindingFlags.IgnoreCase | BindingFlags.Public | BindingFlags.Instance)
                )
        );
        Assert.Subset(
            set.ToHashSet(),
            new HashSet<string>
            {
                "partitionCount",
                "controlQueueVisibilityTimeout",
                "workItemQueueVisibilityTimeout",
                "maxQueuePollingInterval",
            }
        );
    }

    [Fact]
    public void HostFile_OfTheApp_BoundsTimeAndLogsNoStorageRequest()
    {
        IConfiguration file = new ConfigurationBuilder().AddJsonFile(RepositoryFiles.At("host.json")).Build();

        Assert.InRange(file.GetValue<TimeSpan>("functionTimeout"), TimeSpan.FromMinutes(10), TimeSpan.FromHours(1));
        Assert.InRange(
            file.GetValue<TimeSpan>("extensions:queues:maxPollingInterval"),
            TimeSpan.FromSeconds(1),
            TimeSpan.FromSeconds(5)
        ); // a minute by default
        Assert.InRange(
            file.GetValue<TimeSpan>("extensions:durableTask:storageProvider:workItemQueueVisibilityTimeout"),
            TimeSpan.FromSeconds(10),
            TimeSpan.FromSeconds(30)
        ); // five minutes by default
        Assert.Equal(
            ("Error", "Warning", "Warning"),
            (
                file["logging:logLevel:Azure.Core"],
                file["logging:logLevel:DurableTask.AzureStorage"],
                file["logging:logLevel:DurableTask.Core"]
            )
        );
        Assert.Equal("V2", file["extensions:durableTask:tracing:version"]);
    }

    [Fact]
    public void FunctionsPage_InTheDocs_IsTheOneGenerated() =>
        Assert.Equal(FunctionsCommand.Page(), File.ReadAllText(RepositoryFiles.At("docs", "functions.md")));

    private static string Describe(JsonElement function)
    {
        IEnumerable<string> bindings = function.GetProperty("bindings").EnumerateArray().Select(DescribeBinding);
        return $"{function.GetProperty("name").GetString()}: {string.Join(", ", bindings)}";
    }

    private static string DescribeBinding(JsonElement binding)
    {
        string Value(string name) => binding.TryGetProperty(name, out JsonElement found) ? found.ToString() : "";
        string methods = binding.TryGetProperty("methods", out JsonElement list)
            ? " " + string.Join('|', list.EnumerateArray().Select(m => m.GetString()))
            : "";
        string key = Value("authLevel") is { Length: > 0 } level ? $" key {level}" : "";
        string source = Value("source") is { Length: > 0 } from ? $" from {from}" : "";
        string place = string.Concat(
            new[] { "route", "path", "blobPath", "queueName", "schedule" }
                .Select(Value)
                .Where(p => p.Length > 0)
                .Select(p => " " + p)
        );
        return $"{Value("type")} {Value("name")}{methods}{place}{source}{key}";
    }
}
