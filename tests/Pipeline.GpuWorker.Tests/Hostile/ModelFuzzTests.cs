using System.Diagnostics;
using CsCheck;
using Pipeline.Functions.Tests.Datasets.Ingestion;
using Pipeline.Model;
using Pipeline.Model.Adapters;
using Pipeline.Model.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.GpuWorker.Tests.Hostile;

/// <summary>
/// The readers of checkpoints and adapters on damaged files: each is read or refused in words. More of them:
/// <c>FUZZ_MUTATIONS=20000 dotnet test … --filter ModelFuzz</c>.
/// </summary>
public sealed class ModelFuzzTests : IDisposable
{
    private static readonly TimeSpan MaxTime = TimeSpan.FromSeconds(20);
    private readonly string _folder = Directory.CreateTempSubdirectory("pipeline-fuzz-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    [Trait("Tier", "Slow")]
    public void Safetensors_ThatIsDamaged_IsReadOrRefused()
    {
        string path = Path.Combine(_folder, "a.safetensors");
        using (DisposeScope scope = NewDisposeScope())
        {
            SafetensorsFile.Write(
                path,
                new Dictionary<string, Tensor> { ["a"] = zeros(3, 4), ["b"] = ones(5, dtype: ScalarType.BFloat16) },
                new Dictionary<string, string> { ["format"] = "pt" }
            );
        }

        Fuzz(
            path,
            () =>
            {
                using DisposeScope scope = NewDisposeScope();
                using SafetensorsFile file = SafetensorsFile.Open(path);
                file.ReadAll();
            }
        );
    }

    [Fact]
    [Trait("Tier", "Slow")]
    public void Config_ThatIsDamaged_IsReadOrRefused()
    {
        string path = Path.Combine(_folder, "config.json");
        File.Copy(RepositoryFiles.At("tests", "Golden", "llama3", "config.json"), path);

        Fuzz(path, () => LlamaConfig.FromDirectory(_folder));
    }

    [Fact]
    [Trait("Tier", "Slow")]
    public void AdapterConfig_ThatIsDamaged_IsReadOrRefused()
    {
        string path = Path.Combine(_folder, "adapter_config.json");
        File.WriteAllText(
            path,
            PeftConfig
                .Write(
                    new LoraOptions(8, 16, 0.1)
                    {
                        RankPattern = new Dictionary<string, int> { ["q_proj"] = 4 },
                        AlphaPattern = new Dictionary<string, double> { [".*v_proj"] = 2 },
                    },
                    "base"
                )
                .ToJsonString()
        );

        Fuzz(
            path,
            () =>
            {
                LoraOptions options = PeftConfig.Read(path);
                if (options.Adapts("model.layers.0.self_attn.q_proj"))
                {
                    options.ScaleOf("model.layers.0.self_attn.q_proj");
                }
            }
        );
    }

    private static void Fuzz(string path, Action read)
    {
        byte[] seed = File.ReadAllBytes(path);
        int sound = 0;
        Mutation
            .Damaged(seed)
            .Sample(
                bytes =>
                {
                    File.WriteAllBytes(path, bytes);
                    long started = Stopwatch.GetTimestamp();
                    try
                    {
                        read();
                        sound++;
                    }
                    catch (ModelException fault)
                    {
                        Assert.NotEmpty(fault.Message);
                    }

                    Assert.True(Stopwatch.GetElapsedTime(started) < MaxTime, "it takes too long");
                },
                iter: Mutation.Count,
                threads: 1
            );
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{Path.GetFileName(path)}: {Mutation.Count} mutations, {sound} read"
        );
        Assert.InRange(sound, 0, Mutation.Count - 1);
    }
}
