using System.Text.Json.Nodes;
using Pipeline.Model;
using Pipeline.Model.Adapters;
using Pipeline.Model.Checkpoints;
using Pipeline.Model.Llama;
using Pipeline.Model.Merging;
using Pipeline.Model.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.GpuWorker.Tests.Model.Checkpoints;

/// <summary>
/// Bases in several files and dtypes, in NF4, and with an adapter merged in: written, read again, and computing the
/// same.
/// </summary>
public sealed class CheckpointWriterTests
{
    private static readonly long[] Ids = [1, 5, 99, 300, 7, 42];

    [Theory]
    [InlineData("llama2")]
    [InlineData("llama3")]
    [InlineData("qwen2")]
    public void WriteQuantized_ReadAgain_ComputesTheSameBits(string name)
    {
        using var folder = new TemporaryFolder();
        string from = RepositoryFiles.At("tests", "Golden", name);
        using LlamaModel model = LlamaModel.Load(from, WeightStorage.Nf4);

        CheckpointWriter.WriteQuantized(model, from, folder.Path, 100_000);

        Assert.True(Directory.EnumerateFiles(folder.Path, "model-*-of-*.safetensors").Count() > 1);
        using LlamaModel read = LlamaModel.Load(folder.Path, WeightStorage.Full); // what lies there in NF4 stays in NF4
        Assert.All(read.Projections, p => Assert.NotNull(p.Weight.Quantized));
        Assert.Equal(Logits(model), Logits(read));
    }

    [Theory]
    [InlineData("llama2", WeightStorage.Full, false)]
    [InlineData("qwen2", WeightStorage.Nf4, false)]
    [InlineData("llama3", WeightStorage.Nf4, true)]
    public void WriteMerged_ReadAgain_AnswersAsWithTheAdapter(string name, WeightStorage storage, bool dora)
    {
        using var folder = new TemporaryFolder();
        string from = RepositoryFiles.At("tests", "Golden", name);
        using LlamaModel model = LlamaModel.Load(from, storage);
        using LoraAdapter adapter = LoraAdapter.Create(model, new LoraOptions(4, 8, 0) { UseDora = dora }, seed: 1);
        using (no_grad())
        {
            adapter.Values.add_(0.01);
        }

        float[] bare = Logits(model);
        model.Attach(adapter.Pairs);
        float[] expected = Logits(model);

        CheckpointWriter.WriteMerged(model, from, folder.Path, 200_000);

        using LlamaModel read = LlamaModel.Load(folder.Path, WeightStorage.Full);
        Assert.Equal("float32", read.Config.Dtype);
        float[] actual = Logits(read);
        Assert.True(Largest(expected, actual) < 1e-4, $"{Largest(expected, actual)}");
        Assert.True(Largest(expected, bare) > 1e-2);
    }

    /// <summary>
    /// The types of transformers' <c>BitsAndBytesConfig</c>, whose <c>post_init</c> refuses others; the rest as the
    /// base has it.
    /// </summary>
    [Theory]
    [InlineData("llama2")]
    [InlineData("llama3")]
    [InlineData("qwen2")]
    public void Write_Config_HasTheTypesThatTransformersAsksFor(string name)
    {
        using var quantized = new TemporaryFolder();
        using var merged = new TemporaryFolder();
        string from = RepositoryFiles.At("tests", "Golden", name);
        using LlamaModel model = LlamaModel.Load(from, WeightStorage.Nf4);

        CheckpointWriter.WriteQuantized(model, from, quantized.Path, 100_000);
        CheckpointWriter.WriteMerged(model, from, merged.Path, 100_000);

        string ofBase = PythonTypes.Read(Path.Combine(from, "config.json"));
        string[] ofQuantization =
        [
            "_load_in_4bit bool",
            "_load_in_8bit bool",
            "bnb_4bit_compute_dtype str",
            "bnb_4bit_quant_storage str",
            "bnb_4bit_quant_type str",
            "bnb_4bit_use_double_quant bool",
            "llm_int8_enable_fp32_cpu_offload bool",
            "llm_int8_has_fp16_weight bool",
            "llm_int8_skip_modules None",
            "llm_int8_threshold float",
            "load_in_4bit bool",
            "load_in_8bit bool",
            "quant_method str",
        ];
        Assert.Equal(
            ofBase
                .Split('\n')
                .Concat(ofQuantization.Select(l => "quantization_config." + l))
                .Order(StringComparer.Ordinal),
            PythonTypes.Read(Path.Combine(quantized.Path, "config.json")).Split('\n').Order(StringComparer.Ordinal)
        );
        Assert.Equal(ofBase, PythonTypes.Read(Path.Combine(merged.Path, "config.json")));
        string[] index = PythonTypes.Read(Path.Combine(merged.Path, "model.safetensors.index.json")).Split('\n');
        Assert.Equal("metadata.total_size int", index[0]);
        Assert.All(index.Skip(1), line => Assert.Matches("^weight_map\\..* str$", line));
    }

    [Theory]
    [InlineData(ScalarType.BFloat16, 8e-3)]
    [InlineData(ScalarType.Float16, 1e-3)]
    public void Load_HalfPrecisionInSeveralFiles_ReadsTheRoundedValues(ScalarType dtype, double tolerance)
    {
        using var folder = new TemporaryFolder();
        string from = RepositoryFiles.At("tests", "Golden", "llama2");
        Shard(from, folder.Path, dtype);

        using LlamaModel expected = LlamaModel.Load(from, WeightStorage.Full);
        using LlamaModel actual = LlamaModel.Load(folder.Path, WeightStorage.Full);
        using DisposeScope scope = NewDisposeScope();

        foreach ((Projection whole, Projection half) in expected.Projections.Zip(actual.Projections))
        {
            Tensor rounded = whole.Weight.Values().to(dtype).to(ScalarType.Float32);
            Assert.Equal(rounded.data<float>().ToArray(), half.Weight.Values().data<float>().ToArray());
            Assert.True(rounded.sub(whole.Weight.Values()).abs().max().item<float>() < tolerance);
        }
    }

    [Theory]
    [InlineData("../elsewhere.safetensors", "only safetensors files beside it are read")]
    [InlineData("weights.bin", "only safetensors files beside it are read")]
    [InlineData("missing.safetensors", "does not exist")]
    public void Load_IndexThatPointsElsewhere_IsRefused(string file, string message)
    {
        using var folder = new TemporaryFolder();
        Shard(RepositoryFiles.At("tests", "Golden", "llama2"), folder.Path, ScalarType.Float32);
        string index = Path.Combine(folder.Path, "model.safetensors.index.json");
        JsonObject content = JsonNode.Parse(File.ReadAllText(index))!.AsObject();
        content["weight_map"]!["model.norm.weight"] = file;
        File.WriteAllText(index, content.ToJsonString());

        Assert.Contains(
            message,
            Assert.Throws<ModelException>(() => LlamaModel.Load(folder.Path, WeightStorage.Full)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Load_QuantizedOtherwise_IsRefusedWithTheMethod()
    {
        using var folder = new TemporaryFolder();
        string copy = folder.CopyOf(RepositoryFiles.At("tests", "Golden", "llama2"), "base");
        JsonObject config = JsonNode.Parse(File.ReadAllText(Path.Combine(copy, "config.json")))!.AsObject();
        config["quantization_config"] = new JsonObject { ["quant_method"] = "gptq" };
        File.WriteAllText(Path.Combine(copy, "config.json"), config.ToJsonString());

        Assert.Contains(
            "gptq",
            Assert.Throws<ModelException>(() => LlamaModel.Load(copy, WeightStorage.Nf4)).Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("rope_theta", "10000.0")]
    [InlineData(
        "rope_scaling",
        "{\"rope_type\": \"llama3\", \"factor\": 8.0, \"high_freq_factor\": 4.0, "
            + "\"low_freq_factor\": 1.0, \"original_max_position_embeddings\": 64}"
    )]
    public void Load_ConfigInTheOldKeys_ComputesTheSame(string key, string value)
    {
        using var folder = new TemporaryFolder();
        string name = key == "rope_theta" ? "llama2" : "llama3";
        string copy = folder.CopyOf(RepositoryFiles.At("tests", "Golden", name), "base");
        JsonObject config = JsonNode.Parse(File.ReadAllText(Path.Combine(copy, "config.json")))!.AsObject();
        config.Remove("rope_parameters");
        config.Remove("dtype");
        config["torch_dtype"] = "float32";
        config["rope_theta"] = name == "llama3" ? 500_000.0 : 10_000.0;
        config[key] = JsonNode.Parse(value);
        File.WriteAllText(Path.Combine(copy, "config.json"), config.ToJsonString());

        using LlamaModel expected = LlamaModel.Load(RepositoryFiles.At("tests", "Golden", name), WeightStorage.Full);
        using LlamaModel actual = LlamaModel.Load(copy, WeightStorage.Full);

        Assert.Equal(Logits(expected), Logits(actual));
    }

    private static void Shard(string from, string to, ScalarType dtype)
    {
        using DisposeScope scope = NewDisposeScope();
        using SafetensorsFile file = SafetensorsFile.Open(Path.Combine(from, "model.safetensors"));
        var map = new JsonObject();
        foreach ((int index, string[] names) in file.Entries.Keys.Order(StringComparer.Ordinal).Chunk(7).Index())
        {
            string name = $"model-{index:00000}.safetensors";
            SafetensorsFile.Write(
                Path.Combine(to, name),
                names.ToDictionary(n => n, n => file.Read(n).to(dtype), StringComparer.Ordinal)
            );
            Array.ForEach(names, n => map[n] = name);
        }

        File.WriteAllText(
            Path.Combine(to, "model.safetensors.index.json"),
            new JsonObject { ["weight_map"] = map }.ToJsonString()
        );
        File.Copy(Path.Combine(from, "config.json"), Path.Combine(to, "config.json"));
    }

    private static float[] Logits(LlamaModel model)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable frozen = no_grad();
        return model.Logits(model.Forward(tensor(Ids, [1, Ids.Length]))).reshape(-1).data<float>().ToArray();
    }

    private static double Largest(float[] a, float[] b) => a.Zip(b).Max(p => Math.Abs((double)p.First - p.Second));
}
