using Pipeline.LocalHost.Tests.Hosting;
using Pipeline.Model.Adapters;
using Pipeline.Model.Llama;
using Pipeline.Model.Weights;

namespace Pipeline.GpuWorker.Tests.Hostile;

/// <summary>
/// Models and adapters that are made to harm, given to the worker's commands as a person would: each ends with exit
/// code 2 and one line, without taking up what it claims to be.
/// </summary>
public sealed class HostileModelTests : IDisposable
{
    private const long MaxWorkingSet = 1L << 30;
    private static readonly TimeSpan MaxTime = TimeSpan.FromSeconds(60);
    private static readonly string Base = RepositoryFiles.At("gpu-worker", "models", "tiny-llama-chat");
    private readonly string _folder = Directory.CreateTempSubdirectory("pipeline-hostile-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("cfg_array", "config.json' cannot be read: it holds no JSON object but Array")]
    [InlineData("cfg_null", "config.json' cannot be read: it holds no JSON object but Null")]
    [InlineData("cfg_nul", "config.json' cannot be read: '0x00' is an invalid start")]
    [InlineData("cfg_layers2e9", "num_hidden_layers is 2147483647; it must be above 0 and at most 2048")]
    [InlineData("tok_m1", "is not a merge")]
    public async Task Base_ThatIsHostile_EndsWithOneLine(string name, string words)
    {
        string folder = Together(Base, "base", name);

        await EndsWithOneLine(words, "generate", "--base", folder, "--prompt", "Hello", "--max-tokens", "3");
        await EndsWithOneLine(words, "quantize", "--base", folder, "--out", Path.Combine(_folder, "out"));
    }

    [Theory]
    [InlineData("ad_alphanan", "lora_alpha is 1e+308; above 0 and at most 1,000,000 is read")]
    [InlineData("ad_dupkey", "is not an adapter_config.json")]
    [InlineData("ad_rank16384", "is 16384; the layer is")]
    [InlineData("ad_rp1e6", "rank_pattern is 1000000; 1 to 16384 is read")]
    [InlineData("ad_rpneg", "rank_pattern is -")]
    [InlineData("ad_trainarr", "training.json' cannot be read: it holds no JSON object but Array")]
    [InlineData("ad_trainbad", "training.json' cannot be read")]
    public async Task Adapter_ThatIsHostile_EndsWithOneLine(string name, string words)
    {
        string folder = Together(WriteAdapter(), "adapter", name);

        await EndsWithOneLine(words, "generate", "--base", Base, "--adapter", folder, "--prompt", "Hello");
    }

    [Theory]
    [InlineData("config.json", "/dev/zero", "is a device, not a file")]
    [InlineData("tokenizer.json", "/dev/zero", "is a device, not a file")]
    [InlineData("model.safetensors", "/dev/zero", "is a device, not a file")]
    [InlineData("config.json", "/etc/hostname", "is a link that leads out of its folder")]
    [InlineData("tokenizer_config.json", "/etc/hostname", "is a link that leads out of its folder")]
    [InlineData("config.json", null, "is a pipe, not a file")]
    [InlineData("model.safetensors", null, "is a pipe, not a file")]
    [InlineData("tokenizer.json", null, "is a pipe, not a file")]
    public async Task Base_WithALinkOrAPipe_EndsWithOneLine(string file, string? target, string words)
    {
        Assert.SkipUnless(
            OperatingSystem.IsLinux(),
            "pipes and devices are made by mkfifo and /dev: run this test on Linux"
        );
        string folder = Together(Base, "base", null);
        string path = Path.Combine(folder, file);
        File.Delete(path);
        if (target is null)
        {
            using System.Diagnostics.Process pipe = System.Diagnostics.Process.Start("mkfifo", [path]);
            await pipe.WaitForExitAsync(TestContext.Current.CancellationToken);
        }
        else
        {
            File.CreateSymbolicLink(path, target);
        }

        await EndsWithOneLine(words, "quantize", "--base", folder, "--out", Path.Combine(_folder, "out"));
        Assert.Empty(Directory.EnumerateDirectories(_folder, "out*"));
    }

    /// <summary>As the cache of the Hub holds its files: links to the blobs beside the snapshots.</summary>
    [Fact]
    public async Task Base_InTheHubsCache_IsRead()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "links need no rights on Linux alone: run this test there");
        string blobs = Together(Base, "blobs", null);
        string snapshot = Directory.CreateDirectory(Path.Combine(_folder, "snapshots", "abc")).FullName;
        foreach (string file in Directory.EnumerateFiles(blobs))
        {
            File.CreateSymbolicLink(
                Path.Combine(snapshot, Path.GetFileName(file)),
                Path.Combine("..", "..", "blobs", Path.GetFileName(file))
            );
        }

        MeasuredRun run = await MeasuredRun.StartAsync(
            "Pipeline.Worker.dll",
            ["generate", "--base", snapshot, "--prompt", "Hello", "--max-tokens", "3"],
            MaxTime
        );

        Assert.True(run.Code == 0, run.Output);
    }

    private static async Task EndsWithOneLine(string words, params string[] arguments)
    {
        MeasuredRun run = await MeasuredRun.StartAsync("Pipeline.Worker.dll", arguments, MaxTime);

        Assert.True(
            run.Code == 2 && run.Output.Contains(words, StringComparison.Ordinal),
            $"exit code {run.Code}: {run.Output}"
        );
        Assert.Single(run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.InRange(run.PeakWorkingSet, 0, MaxWorkingSet);
    }

    /// <summary>A folder with a good model's or adapter's files, and over them those of a hostile one.</summary>
    private string Together(string from, string to, string? hostile)
    {
        string folder = Directory.CreateDirectory(Path.Combine(_folder, to)).FullName;
        string[] sources = hostile is null
            ? [from]
            : [from, RepositoryFiles.At("tests", "Golden", "hostile", "model", hostile)];
        foreach (string file in sources.SelectMany(Directory.EnumerateFiles))
        {
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)), overwrite: true);
        }

        return folder;
    }

    private string WriteAdapter()
    {
        string folder = Directory.CreateDirectory(Path.Combine(_folder, "good")).FullName;
        using LlamaModel model = LlamaModel.Load(Base, WeightStorage.Full);
        using LoraAdapter adapter = LoraAdapter.Create(model, new LoraOptions(16, 32, 0), seed: 1);
        PeftAdapterFiles.Write(folder, adapter, "tiny-llama-chat");
        return folder;
    }
}
