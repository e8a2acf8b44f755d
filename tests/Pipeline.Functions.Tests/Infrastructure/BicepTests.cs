using System.Diagnostics;
using System.Reflection;
using System.Text.Json;
using Pipeline.Contracts;

namespace Pipeline.Functions.Tests.Infrastructure;

/// <summary>infra/ as the Bicep compiler sees it.</summary>
public sealed class BicepTests
{
    private static readonly string? BicepPackage = Assembly
        .GetExecutingAssembly()
        .GetCustomAttributes<AssemblyMetadataAttribute>()
        .SingleOrDefault(a => a.Key == "BicepPackage")
        ?.Value;
    private static readonly Lazy<JsonElement> Compiled = new(Compile);

    [Fact]
    public void Main_Compiled_HasNoErrorAndNoWarning() =>
        Assert.Equal("2019-04-01", Template().GetProperty("$schema").GetString()!.Split('/')[4]);

    [Fact]
    public void Storage_Names_AreThoseOfBlobLayout()
    {
        JsonElement variables = Module("storage").GetProperty("variables");
        string[] Names(string variable) =>
            [.. variables.GetProperty(variable).EnumerateArray().Select(n => n.GetString()!)];

        Assert.Equal(
            BlobLayout.Containers.Append("deployments").Order(StringComparer.Ordinal),
            Names("containers").Order(StringComparer.Ordinal)
        );
        Assert.Equal(BlobLayout.Queues.Order(StringComparer.Ordinal), Names("queues").Order(StringComparer.Ordinal));
        Assert.Equal(
            new[] { BlobLayout.RunsTable, BlobLayout.DeadLettersTable }.Order(StringComparer.Ordinal),
            Names("tables").Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public void TrainingJob_Scale_CountsVisibleMessagesOfTheJobsQueueWithTheIdentity()
    {
        JsonElement job = Resource(Module("trainingJob"), "Microsoft.App/jobs");
        JsonElement configuration = job.GetProperty("properties").GetProperty("configuration");
        JsonElement rule = configuration.GetProperty("eventTriggerConfig").GetProperty("scale").GetProperty("rules")[0];
        JsonElement metadata = rule.GetProperty("metadata");

        Assert.Equal(
            ("Event", 0),
            (
                configuration.GetProperty("triggerType").GetString(),
                configuration.GetProperty("replicaRetryLimit").GetInt32()
            )
        );
        Assert.Equal(
            ("azure-queue", "[parameters('identityId')]"),
            (rule.GetProperty("type").GetString(), rule.GetProperty("identity").GetString())
        );
        Assert.Equal(
            (BlobLayout.TrainingJobsQueue, "visibleonly", "1"),
            (
                metadata.GetProperty("queueName").GetString(),
                metadata.GetProperty("queueLengthStrategy").GetString(),
                metadata.GetProperty("queueLength").GetString()
            )
        );
    }

    [Fact]
    public void FunctionApp_Settings_AreThoseThatTheAppReads()
    {
        JsonElement site = Resource(Module("functionApp"), "Microsoft.Web/sites")
            .GetProperty("properties")
            .GetProperty("siteConfig");
        HashSet<string> settings =
        [
            .. site.GetProperty("appSettings").EnumerateArray().Select(s => s.GetProperty("name").GetString()!),
        ];

        Assert.Superset(
            new HashSet<string>
            {
                "AzureWebJobsStorage__accountName",
                "AZURE_CLIENT_ID",
                "RetrainingSchedule",
                "PIPELINE_MODELS",
                "WorkerStartDeadline",
                "WorkerHeartbeatDeadline",
            },
            settings
        );
        Assert.DoesNotContain(settings, s => s.Contains("Key", StringComparison.Ordinal));
    }

    /// <summary>
    /// A drop is an event: of blobs in the container that the function's trigger names, to the address under which the
    /// host has it.
    /// </summary>
    [Fact]
    public void DropEvents_Subscription_IsOfTheRawContainerToTheDropFunction()
    {
        JsonElement subscription = Resource(Module("dropEvents"), "Microsoft.EventGrid/systemTopics/eventSubscriptions")
            .GetProperty("properties");
        JsonElement filter = subscription.GetProperty("filter");

        Assert.Equal(
            $"/blobServices/default/containers/{BlobLayout.RawContainer}/",
            filter.GetProperty("subjectBeginsWith").GetString()
        );
        Assert.Equal(
            ["Microsoft.Storage.BlobCreated"],
            filter.GetProperty("includedEventTypes").EnumerateArray().Select(e => e.GetString())
        );
        string endpoint = subscription
            .GetProperty("destination")
            .GetProperty("properties")
            .GetProperty("endpointUrl")
            .GetString()!;
        Assert.Contains(
            "/runtime/webhooks/blobs?functionName=Host.Functions.RawDrop&code={1}",
            endpoint,
            StringComparison.Ordinal
        );
        Assert.Contains("systemKeys.blobs_extension", endpoint, StringComparison.Ordinal);
    }

    [Fact]
    public void Roles_OneIdentity_HasStorageAndPullRights()
    {
        Assert.Equal(3, Module("storage").GetProperty("variables").GetProperty("roles").GetArrayLength());
        Assert.Equal(
            "false",
            Resource(Module("storage"), "Microsoft.Storage/storageAccounts")
                .GetProperty("properties")
                .GetProperty("allowSharedKeyAccess")
                .GetRawText()
        );
        Assert.Equal(
            "7f951dda-4ed3-4680-a7ca-43fe172d538d",
            Module("registry").GetProperty("variables").GetProperty("acrPull").GetString()
        );
        Assert.Equal(
            1,
            Template().GetRawText().Split("\"type\": \"Microsoft.ManagedIdentity/userAssignedIdentities\"").Length - 1
        );
    }

    private static JsonElement Template()
    {
        Assert.SkipUnless(
            BicepPackage is { Length: > 0 },
            "the Bicep compiler comes as a package for linux-x64 only; run it there, "
                + "or 'az bicep build -f infra/main.bicep' by hand"
        );
        return Compiled.Value;
    }

    private static JsonElement Module(string name)
    {
        foreach (JsonElement resource in Items(Template().GetProperty("resources")))
        {
            if (
                resource.GetProperty("type").GetString() == "Microsoft.Resources/deployments"
                && resource.GetProperty("name").GetString() == name
            )
            {
                return resource.GetProperty("properties").GetProperty("template");
            }
        }

        throw new KeyNotFoundException(name);
    }

    private static JsonElement Resource(JsonElement template, string type) =>
        Items(template.GetProperty("resources")).Single(r => r.GetProperty("type").GetString() == type);

    private static IEnumerable<JsonElement> Items(JsonElement resources) =>
        resources.ValueKind == JsonValueKind.Array
            ? resources.EnumerateArray()
            : resources.EnumerateObject().Select(r => r.Value);

    private static JsonElement Compile()
    {
        string tool = Path.Combine(Directory.CreateTempSubdirectory("pipeline-bicep-").FullName, "bicep");
        File.Copy(
            Directory
                .EnumerateFiles(Path.Combine(BicepPackage!, "tools"), "bicep", SearchOption.AllDirectories)
                .Single(),
            tool
        );
        try
        {
            if (!OperatingSystem.IsWindows())
            {
                // the package's copy has no run bit
                File.SetUnixFileMode(tool, UnixFileMode.UserRead | UnixFileMode.UserExecute);
            }

            var info = new ProcessStartInfo(tool, ["build", RepositoryFiles.At("infra", "main.bicep"), "--stdout"])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            info.Environment["DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"] = "1";
            using Process process = Process.Start(info)!;
            Task<string> errors = process.StandardError.ReadToEndAsync();
            string json = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            Assert.Equal("", errors.Result.Trim());
            Assert.Equal(0, process.ExitCode);
            return JsonDocument.Parse(json).RootElement;
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(tool)!, recursive: true);
        }
    }
}
