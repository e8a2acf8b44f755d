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

    /// <summary>
    /// Each function with its bindings: type, name, key, route or path. A change here is one that callers of the app
    /// notice.
    /// </summary>
    [Fact]
    public void Metadata_EveryFunction_HasItsNameBindingsAndAuthLevel()
    {
        using JsonDocument metadata = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Output, "functions.metadata")));
        string[] expected =
        [
            "CancelRun: httpTrigger request post runs/{id}/cancel key Function, durableClient client, http $return",
            "DeleteDeadLetter: httpTrigger request delete deadletters/{id} key Function, http $return",
            "GetAffected: httpTrigger request get projects/{project}/affected key Function, http $return",
            "GetAudit: httpTrigger request get runs/{id}/audit key Function, http $return",
            "GetDashboard: httpTrigger request get dashboard key Function, http $return",
            "GetDeadLetters: httpTrigger request get deadletters key Function, http $return",
            "GetPutAside: httpTrigger request get putaside key Function, http $return",
            "GetRejected: httpTrigger request get runs/{id}/rejected key Function, http $return",
            "GetReport: httpTrigger request get runs/{id}/report key Function, http $return",
            "GetRun: httpTrigger request get runs/{id} key Function, durableClient client, http $return",
            "GetRunCurve: httpTrigger request get runs/{id}/curve key Function, http $return",
            "GetRunEvents: httpTrigger request get runs/{id}/events key Function, http $return",
            "GetRuns: httpTrigger request get runs key Function, durableClient client, http $return",
            "PostDataset: httpTrigger request post projects/{project}/datasets key Function, durableClient client, http $return",
            "PostFeedback: httpTrigger request post projects/{project}/feedback key Function, durableClient client, http $return",
            "PostRun: httpTrigger request post projects/{project}/runs key Function, durableClient client, http $return",
            "PostWithdrawal: httpTrigger request post projects/{project}/withdrawals key Function, durableClient client, http $return",
            "PurgeRun: httpTrigger request delete runs/{id} key Function, durableClient client, http $return",
            "PutProject: httpTrigger request put projects/{project} key Function, http $return",
            "RequeueDeadLetter: httpTrigger request post deadletters/{id}/requeue key Function, durableClient client, http $return",
            "ResumeRun: httpTrigger request post runs/{id}/resume key Function, durableClient client, http $return",
            "RawDrop: blobTrigger blob raw/{project}/{name} from EventGrid, durableClient client",
            "RetrainingTimer: timerTrigger timer %RetrainingSchedule%, durableClient client",
            "TrainingResults: queueTrigger message training-results, durableClient client",
            "AdapterPipeline: orchestrationTrigger context",
            "DatasetGeneration: orchestrationTrigger context",
            "Retraining: orchestrationTrigger context",
            "TrainingWatch: orchestrationTrigger context",
            "AssembleDataset: activityTrigger planned",
            "BuildDatasetPart: activityTrigger input",
            "NoteUsedFeedback: activityTrigger used",
            "PlanDataset: activityTrigger plan",
            "PrepareRetraining: activityTrigger input",
            "PublishAdapter: activityTrigger input",
            "ReadPulse: activityTrigger runId",
            "RecordFailure: activityTrigger failure",
            "RemoveDatasetParts: activityTrigger planned",
            "SubmitTraining: activityTrigger input",
            "SynthesizeRows: activityTrigger planned",
        ];

        Assert.Equal(
            expected.Order(StringComparer.Ordinal),
            metadata
                .RootElement.EnumerateArray()
                .Select(f =>
                    $"{f.GetProperty("name").GetString()}: {string.Join(", ", f.GetProperty("bindings").EnumerateArray().Select(Said))}"
                )
                .Order(StringComparer.Ordinal)
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

    private static string Said(JsonElement binding)
    {
        string Of(string name) => binding.TryGetProperty(name, out JsonElement value) ? value.ToString() : "";
        string methods = binding.TryGetProperty("methods", out JsonElement list)
            ? " " + string.Join('|', list.EnumerateArray().Select(m => m.GetString()))
            : "";
        string key = Of("authLevel") is { Length: > 0 } level ? $" key {level}" : "";
        string source = Of("source") is { Length: > 0 } from ? $" from {from}" : "";
        string place = string.Concat(
            new[] { "route", "path", "blobPath", "queueName", "schedule" }
                .Select(Of)
                .Where(p => p.Length > 0)
                .Select(p => " " + p)
        );
        return $"{Of("type")} {Of("name")}{methods}{place}{source}{key}";
    }
}
