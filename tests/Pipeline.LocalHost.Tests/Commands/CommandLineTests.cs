using System.Diagnostics;
using System.Text.Json;

namespace Pipeline.LocalHost.Tests.Commands;

/// <summary>The command line as a person runs it: exit codes and the one message.</summary>
public sealed class CommandLineTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("pipeline-command-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Write(string name, string text)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync(
        IReadOnlyDictionary<string, string>? environment,
        params string[] arguments
    )
    {
        ProcessStartInfo info = Hosting.DotnetProgram.Start("Pipeline.LocalHost.dll", arguments, environment);
        info.RedirectStandardOutput = true;
        info.RedirectStandardError = true;
        using Process process = Process.Start(info)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, await output, await error);
    }

    [Fact]
    public async Task ProjectInit_FromAFile_IsWhatPreviewAndBuildGoBy()
    {
        string input = Write("a.csv", Hosting.HostFixture.Rows(60));
        string project = Path.Combine(_folder, "project.yaml");

        (int code, _, _) = await RunAsync(null, "project", "init", "--from", input, "--out", project);
        (int again, _, string refusal) = await RunAsync(null, "project", "init", "--out", project);
        (int shown, string preview, _) = await RunAsync(null, "dataset", "preview", input, "--project", project);
        (int built, string output, _) = await RunAsync(
            null,
            "dataset",
            "build",
            "--input",
            input,
            "--project",
            project,
            "--out",
            Path.Combine(_folder, "out")
        );

        Assert.Equal((0, 2, 0, 0), (code, again, shown, built));
        Assert.True(File.Exists(Path.Combine(_folder, "project.schema.json")));
        Assert.Contains("exists, and is not written over", refusal, StringComparison.Ordinal);
        Assert.Contains("good morning friend 0 [/INST]\u27E6 greeting </s>\u27E7", preview, StringComparison.Ordinal);
        Assert.Contains("Of the first 60 rows 0 would be rejected", preview, StringComparison.Ordinal);
        Assert.Contains("60 rows read = 60 accepted", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task DatasetBuild_GoodFile_WritesTheDataset()
    {
        string input = Write("a.csv", Hosting.HostFixture.Rows(60));

        (int code, string output, _) = await RunAsync(
            null,
            "dataset",
            "build",
            "--input",
            input,
            "--out",
            Path.Combine(_folder, "out")
        );

        Assert.Equal(0, code);
        Assert.Contains("60 rows read = 60 accepted", output, StringComparison.Ordinal);
        JsonElement manifest = JsonDocument
            .Parse(
                await File.ReadAllTextAsync(
                    Path.Combine(_folder, "out", "manifest.json"),
                    TestContext.Current.CancellationToken
                )
            )
            .RootElement;
        Assert.Equal(60, manifest.GetProperty("rows").GetProperty("read").GetInt32());
    }

    [Theory]
    [InlineData("", "is empty")]
    [InlineData("text,label\na,\n", "All 1 rows were rejected")]
    [InlineData("text,label\na,x\nb,x\nc,x\n", "Every accepted row has the label 'x'")]
    [InlineData("a,b\n1,2\n", "no column that is plainly the label")]
    public async Task DatasetBuild_BadFile_ExitsWith2AndOneMessage(string text, string message)
    {
        (int code, _, string error) = await RunAsync(
            null,
            "dataset",
            "build",
            "--input",
            Write("a.csv", text),
            "--out",
            Path.Combine(_folder, "out")
        );

        Assert.Equal(2, code);
        Assert.Contains(message, error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Tier", "Slow")]
    public async Task Ablation_TemplatesRows_TrainsTwiceAndComparesOnTheSameRows()
    {
        string input = Write("a.csv", Hosting.HostFixture.Rows(120));
        string project = Write(
            "project.yaml",
            Hosting.HostFixture.QuickYaml
                + "synthesis: { templates: [ "
                + "{ text: 'hello {{name.firstName}}, friend', label: greeting, count: 20 } ] }\n"
        );
        string json = Path.Combine(_folder, "ablation.json");

        (int code, string output, string error) = await RunAsync(
            null,
            "ablation",
            "--project",
            project,
            "--input",
            input,
            "--out",
            Path.Combine(_folder, "out"),
            "--json",
            json
        );

        Assert.True(code == 0, error);
        Assert.Contains("synthetic rows", output, StringComparison.Ordinal);
        JsonElement ablation = JsonDocument
            .Parse(await File.ReadAllTextAsync(json, TestContext.Current.CancellationToken))
            .RootElement;
        Assert.Equal(
            ablation.GetProperty("rowsWithout").GetInt32() + ablation.GetProperty("made").GetInt32(),
            ablation.GetProperty("rowsWith").GetInt32()
        );
        Assert.InRange(ablation.GetProperty("made").GetInt32(), 1, 20);
        Assert.Equal(
            await File.ReadAllTextAsync(
                Path.Combine(_folder, "out", "without", "dataset", "test.jsonl"),
                TestContext.Current.CancellationToken
            ),
            await File.ReadAllTextAsync(
                Path.Combine(_folder, "out", "with", "dataset", "test.jsonl"),
                TestContext.Current.CancellationToken
            )
        );
        (code, _, error) = await RunAsync(
            null,
            "ablation",
            "--project",
            Write("none.yaml", ""),
            "--input",
            input,
            "--out",
            Path.Combine(_folder, "other")
        );
        Assert.Equal(2, code);
        Assert.Contains("asks for no rows to be made", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Submit_BadSettings_ExitWith2BeforeAnythingStarts()
    {
        string input = Write("a.csv", Hosting.HostFixture.Rows(10));

        (int code, _, string error) = await RunAsync(
            null,
            "submit",
            input,
            "--project",
            "demo",
            "--settings",
            Write("project.yaml", "training:\n  r: many\n"),
            "--data",
            Path.Combine(_folder, "data")
        );

        Assert.Equal(2, code);
        Assert.Contains("line 2: 'training.r' is 'many', not a whole number", error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(_folder, "data")));
    }

    [Fact]
    public async Task Usage_UnknownCommandOrMissingOption_ExitsWith2()
    {
        Assert.Equal(2, (await RunAsync(null, "fly")).Code);
        Assert.Equal(2, (await RunAsync(null, "submit", "x.csv")).Code);
        Assert.Equal(2, (await RunAsync(null, "submit", Path.Combine(_folder, "none.csv"), "--project", "demo")).Code);
    }

    [Fact]
    public async Task Bench_OfTheEngine_PrintsItsFigures()
    {
        string file = Path.Combine(_folder, "bench.json");

        (int code, string output, string error) = await RunAsync(
            null,
            "bench",
            "--activities",
            "20",
            "--waiting",
            "10",
            "--json",
            file
        );

        Assert.Equal((0, ""), (code, error));
        Assert.Contains("20 activities in a chain", output, StringComparison.Ordinal);
        JsonElement figures = JsonDocument
            .Parse(await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken))
            .RootElement;
        Assert.Equal(
            (20, 10),
            (figures.GetProperty("activities").GetInt32(), figures.GetProperty("waiting").GetInt32())
        );
        Assert.All(
            (string[])["shortSeconds", "chainSeconds", "sideBySideSeconds", "eventSeconds", "wakeSeconds"],
            f => Assert.True(figures.GetProperty(f).GetDouble() > 0, f)
        );
    }

    /// <summary>
    /// What func start needs: the storage, the models wherever it is started from, the schedule, and whom the durable
    /// client is to call.
    /// </summary>
    [Fact]
    public async Task LocalSettings_OnAnAccount_NamesAllThatFuncStartNeeds()
    {
        string file = Path.Combine(_folder, "local.settings.json");

        (int code, _, string error) = await RunAsync(
            new Dictionary<string, string> { ["AzureWebJobsStorage"] = "UseDevelopmentStorage=true" },
            "local-settings",
            "--data",
            _folder,
            "--port",
            "7099",
            "--out",
            file
        );

        Assert.Equal((0, ""), (code, error));
        JsonElement settings = JsonDocument
            .Parse(await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken))
            .RootElement;
        JsonElement values = settings.GetProperty("Values");
        Assert.Equal(
            (false, 7099),
            (
                settings.GetProperty("IsEncrypted").GetBoolean(),
                settings.GetProperty("Host").GetProperty("LocalHttpPort").GetInt32()
            )
        );
        Assert.Equal(
            ("dotnet-isolated", "UseDevelopmentStorage=true", "127.0.0.1:7099", "0 0 3 * * *"),
            (
                values.GetProperty("FUNCTIONS_WORKER_RUNTIME").GetString(),
                values.GetProperty("AzureWebJobsStorage").GetString(),
                values.GetProperty("WEBSITE_HOSTNAME").GetString(),
                values.GetProperty("RetrainingSchedule").GetString()
            )
        );
        Assert.True(
            Directory.Exists(Path.Combine(values.GetProperty("PIPELINE_MODELS").GetString()!, "tiny-llama-chat"))
        );
    }

    [Fact]
    public async Task LocalSettings_OfAFolderWithoutStorage_SaysHowToGetOne()
    {
        (int code, _, string error) = await RunAsync(
            new Dictionary<string, string> { ["AzureWebJobsStorage"] = "" },
            "local-settings",
            "--data",
            _folder,
            "--out",
            Path.Combine(_folder, "x.json")
        );

        Assert.Equal(2, code);
        Assert.Contains("has no storage emulator yet: run 'storage --data", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Serve_WithoutNode_SaysWhatIsMissing()
    {
        // The emulator is installed by now or not: node itself is what cannot be found.
        (int code, _, string error) = await RunAsync(
            new Dictionary<string, string> { ["PATH"] = _folder, ["AzureWebJobsStorage"] = "" },
            "serve",
            "--data",
            Path.Combine(_folder, "data"),
            "--port",
            "0"
        );

        Assert.Equal(2, code);
        Assert.Contains("Node", error, StringComparison.Ordinal);
        Assert.Contains("AzureWebJobsStorage", error, StringComparison.Ordinal);
    }
}
