using System.Diagnostics;
using System.Text.Json;
using Pipeline.Model.Checkpoints;
using Pipeline.Model.Llama;
using Pipeline.Model.Merging;
using Pipeline.Model.Weights;
using static TorchSharp.torch;

namespace Pipeline.Worker.Benchmarks;

/// <summary>How long a 7B takes to be read and quantised, and how much memory that needs.</summary>
internal static class QuantizeBenchmark
{
    private const int Hidden = 4096,
        Inner = 11008,
        Layers = 32,
        Vocabulary = 32000;
    private const long FileBytes = 5_000_000_000;
    private const double Gib = 1 << 30;

    /// <summary>Makes the base, measures, and takes everything away again.</summary>
    public static QuantizeBenchmarkResult Run(string directory)
    {
        string folder = Path.Combine(directory, $"pipeline-7b-{Guid.NewGuid():N}");
        string quantized = folder + "-nf4";
        Directory.CreateDirectory(folder);
        Directory.CreateDirectory(quantized);
        try
        {
            long weightBytes = WriteRandom(folder);
            double before = PeakGib();
            long started = Stopwatch.GetTimestamp();
            using LlamaModel model = LlamaModel.Load(folder, WeightStorage.Nf4);
            double loading = Stopwatch.GetElapsedTime(started).TotalSeconds;
            double peak = PeakGib();
            started = Stopwatch.GetTimestamp();
            CheckpointWriter.WriteQuantized(model, folder, quantized, FileBytes);
            double writing = Stopwatch.GetElapsedTime(started).TotalSeconds;
            double size = Directory.EnumerateFiles(quantized, "*.safetensors").Sum(f => new FileInfo(f).Length) / Gib;
            double layer = 2 * model.Config.LinearParametersPerLayer / Gib;
            return new QuantizeBenchmarkResult(
                "llama-2-7b",
                get_num_threads(),
                Round(weightBytes / Gib),
                Round(loading),
                Round(writing),
                Round(size),
                Round(before),
                Round(peak),
                Round(size + layer + 1)
            );
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
            Directory.Delete(quantized, recursive: true);
        }
    }

    private static long WriteRandom(string folder)
    {
        var config = new Dictionary<string, object>
        {
            ["architectures"] = (string[])[LlamaConfig.Llama],
            ["hidden_size"] = Hidden,
            ["intermediate_size"] = Inner,
            ["num_hidden_layers"] = Layers,
            ["num_attention_heads"] = 32,
            ["num_key_value_heads"] = 32,
            ["vocab_size"] = Vocabulary,
            ["max_position_embeddings"] = 4096,
            ["rms_norm_eps"] = 1e-5,
            ["rope_theta"] = 10000.0,
            ["torch_dtype"] = "bfloat16",
        };
        File.WriteAllText(Path.Combine(folder, "config.json"), JsonSerializer.Serialize(config));
        using var generator = new Generator(1);
        long bytes = 0;
        var places = new Dictionary<string, string>();
        for (int layer = -1; layer < Layers; layer++)
        {
            string name = $"model-{layer + 1:00}.safetensors";
            CheckpointTensor[] tensors =
            [
                .. (layer < 0 ? Ends() : Layer(layer)).Select(t => new CheckpointTensor(
                    t.Name,
                    ScalarType.BFloat16,
                    t.Shape,
                    () => randn(t.Shape, generator: generator).mul_(0.02)
                )),
            ];
            SafetensorsFile.Write(Path.Combine(folder, name), tensors);
            bytes += tensors.Sum(t => t.Bytes);
            Array.ForEach(tensors, t => places[t.Name] = name);
        }

        File.WriteAllText(
            Path.Combine(folder, "model.safetensors.index.json"),
            JsonSerializer.Serialize(new { weight_map = places })
        );
        return bytes;
    }

    private static (string Name, long[] Shape)[] Ends() =>
        [
            ("model.embed_tokens.weight", [Vocabulary, Hidden]),
            ("lm_head.weight", [Vocabulary, Hidden]),
            ("model.norm.weight", [Hidden]),
        ];

    private static (string Name, long[] Shape)[] Layer(int index)
    {
        string prefix = $"model.layers.{index}.";
        return
        [
            (prefix + "input_layernorm.weight", [Hidden]),
            (prefix + "post_attention_layernorm.weight", [Hidden]),
            .. ((string[])["q_proj", "k_proj", "v_proj", "o_proj"]).Select(p =>
                ($"{prefix}self_attn.{p}.weight", (long[])[Hidden, Hidden])
            ),
            (prefix + "mlp.gate_proj.weight", [Inner, Hidden]),
            (prefix + "mlp.up_proj.weight", [Inner, Hidden]),
            (prefix + "mlp.down_proj.weight", [Hidden, Inner]),
        ];
    }

    private static double PeakGib()
    {
        using Process process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64 / Gib;
    }

    private static double Round(double value) => Math.Round(value, 2);
}

/// <summary>The line of <c>bench quantize</c>.</summary>
/// <param name="Case">The shape.</param>
/// <param name="Threads">Of torch.</param>
/// <param name="WeightGib">Of the bf16 files.</param>
/// <param name="LoadS">Seconds to read and quantise.</param>
/// <param name="WriteS">Seconds to write the NF4 form.</param>
/// <param name="QuantizedGib">Of the NF4 files.</param>
/// <param name="BeforeGib">Peak of the process before, when it had made the random weights.</param>
/// <param name="PeakGib">Peak of the process when all was quantised.</param>
/// <param name="BoundGib">Quantised size, one layer in bf16, and 1 GiB.</param>
internal sealed record QuantizeBenchmarkResult(
    string Case,
    int Threads,
    double WeightGib,
    double LoadS,
    double WriteS,
    double QuantizedGib,
    double BeforeGib,
    double PeakGib,
    double BoundGib
);
