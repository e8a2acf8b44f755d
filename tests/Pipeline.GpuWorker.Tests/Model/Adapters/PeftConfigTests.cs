using System.Text.Json.Nodes;
using Pipeline.Contracts;
using Pipeline.Model;
using Pipeline.Model.Adapters;
using Pipeline.Model.Checkpoints;
using Pipeline.Model.Llama;
using Pipeline.Model.Weights;

namespace Pipeline.GpuWorker.Tests.Model.Adapters;

/// <summary>Configs that peft wrote, old and new: read, or refused with the reason.</summary>
public sealed class PeftConfigTests
{
    [Theory]
    [InlineData("llama-7b_r4_qv_old-peft__HCBlackFox.json", 4, 16.0, 0.05, "q_proj v_proj")]
    [InlineData("llama2-7b-chat_r64_qv__JenyThevarajan.json", 64, 16.0, 0.1, "q_proj v_proj")]
    [InlineData(
        "llama2-7b_r64_all-linear_imdb-sentiment__GQ131.json",
        64,
        16.0,
        0.1,
        "down_proj gate_proj k_proj o_proj q_proj up_proj v_proj"
    )]
    [InlineData("llama31-8b_r64_qkvo_peft0.18__mmammidi.json", 64, 16.0, 0.1, "k_proj o_proj q_proj v_proj")]
    public void Read_PublicAdapters_AreRead(string file, int rank, double alpha, double dropout, string targets)
    {
        LoraOptions options = PeftConfig.Read(RepositoryFiles.Shared("data", "adapters", file));

        Assert.Equal((rank, alpha, dropout), (options.Rank, options.Alpha, options.Dropout));
        Assert.Equal(targets, string.Join(' ', options.Targets.Order(StringComparer.Ordinal)));
    }

    [Fact]
    public void Read_AdapterOfAnotherArchitecture_IsRefusedWithTheReason()
    {
        string path = RepositoryFiles.Shared(
            "data",
            "adapters",
            "NOT-LLAMA_gpt2_r8_fan_in_fan_out_true__Rehman54454.json"
        );

        Assert.Contains(
            "fan_in_fan_out",
            Assert.Throws<ModelException>(() => PeftConfig.Read(path)).Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("peft_type", "\"IA3\"", "IA3")]
    [InlineData("bias", "\"lora_only\"", "biases")]
    [InlineData("modules_to_save", "[\"lm_head\"]", "modules_to_save")]
    [InlineData("lora_bias", "true", "lora_bias")]
    [InlineData("use_qalora", "true", "QALoRA")]
    [InlineData("init_lora_weights", "\"pissa_niter_4\"", "changes the base")]
    [InlineData("loftq_config", "{\"loftq_bits\": 4}", "LoftQ")]
    [InlineData("task_type", "\"SEQ_CLS\"", "SEQ_CLS")]
    public void Read_WhatWouldChangeTheNumbers_IsRefusedByName(string key, string value, string named)
    {
        using var folder = new TemporaryFolder();
        JsonObject config = JsonNode
            .Parse(File.ReadAllText(RepositoryFiles.At("tests", "Golden", "lora_llama2", "adapter_config.json")))!
            .AsObject();
        config[key] = JsonNode.Parse(value);
        string path = Path.Combine(folder.Path, "adapter_config.json");
        File.WriteAllText(path, config.ToJsonString());

        Assert.Contains(
            named,
            Assert.Throws<ModelException>(() => PeftConfig.Read(path)).Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("lora_llama2")]
    [InlineData("lora_rs_llama3")]
    [InlineData("dora_llama2")]
    public void Write_AdapterAsRead_HasPeftsKeysShapesAndConfig(string name)
    {
        using var folder = new TemporaryFolder();
        string reference = RepositoryFiles.At("tests", "Golden", name);
        using LlamaModel model = LlamaModel.Load(
            RepositoryFiles.At("tests", "Golden", name.Split('_')[^1]),
            WeightStorage.Full
        );
        using LoraAdapter adapter = PeftAdapterFiles.Read(reference, model);

        PeftAdapterFiles.Write(folder.Path, adapter, name.Split('_')[^1]);

        using SafetensorsFile expected = SafetensorsFile.Open(Path.Combine(reference, BlobLayout.AdapterWeightsFile));
        using SafetensorsFile actual = SafetensorsFile.Open(Path.Combine(folder.Path, BlobLayout.AdapterWeightsFile));
        Assert.Equal(
            expected.Entries.Values.Select(Describe).Order(StringComparer.Ordinal),
            actual.Entries.Values.Select(Describe).Order(StringComparer.Ordinal)
        );
        Assert.Equal("pt", actual.Metadata["format"]);
        Assert.Equal(
            Normal(Path.Combine(reference, BlobLayout.AdapterConfigFile)),
            Normal(Path.Combine(folder.Path, BlobLayout.AdapterConfigFile))
        );
    }

    [Theory]
    [InlineData("q_proj", 2)]
    [InlineData("self_attn.q_proj", 2)]
    [InlineData("all-linear", 14)]
    [InlineData("model.layers.1.mlp.up_proj", 1)]
    public void Create_TargetsByName_AdaptThoseLayersOnly(string target, int count)
    {
        using LlamaModel model = LlamaModel.Load(RepositoryFiles.At("tests", "Golden", "llama2"), WeightStorage.Full);

        using LoraAdapter adapter = LoraAdapter.Create(model, new LoraOptions(4, 8, 0) { Targets = [target] }, seed: 1);

        Assert.Equal(count, adapter.Pairs.Count);
    }

    /// <summary>
    /// peft's own rules (tuners_utils.py, check_target_module_exists): indices of layers narrow names, not expressions
    /// and whole paths.
    /// </summary>
    [Theory]
    [InlineData("""{"target_modules": ["q_proj"], "layers_to_transform": [1]}""", "model.layers.1.self_attn.q_proj")]
    [InlineData(
        """{"target_modules": ["q_proj"], "layers_to_transform": []}""",
        "model.layers.0.self_attn.q_proj model.layers.1.self_attn.q_proj"
    )]
    [InlineData(
        """{"target_modules": ["model.layers.0.self_attn.q_proj"], "layers_to_transform": [1]}""",
        "model.layers.0.self_attn.q_proj"
    )]
    [InlineData(
        """{"target_modules": ".*[qv]_proj", "exclude_modules": ".*layers\\.0.*"}""",
        "model.layers.1.self_attn.q_proj model.layers.1.self_attn.v_proj"
    )]
    [InlineData(
        """{"target_modules": ["q_proj", "v_proj"], "exclude_modules": ["v_proj"]}""",
        "model.layers.0.self_attn.q_proj model.layers.1.self_attn.q_proj"
    )]
    public void Adapts_TargetsOfPeft_AreMatchedAsPeftDoes(string config, string expected)
    {
        using var folder = new TemporaryFolder();
        JsonObject json = JsonNode.Parse(config)!.AsObject();
        (json["peft_type"], json["r"], json["lora_alpha"]) = ("LORA", 4, 8);
        string path = Path.Combine(folder.Path, "adapter_config.json");
        File.WriteAllText(path, json.ToJsonString());
        using LlamaModel model = LlamaModel.Load(RepositoryFiles.At("tests", "Golden", "llama2"), WeightStorage.Full);

        LoraOptions options = PeftConfig.Read(path);

        Assert.Equal(expected, string.Join(' ', model.Projections.Select(p => p.Path).Where(options.Adapts)));
    }

    [Theory]
    [InlineData(0, 16, "0.0", "16")]
    [InlineData(0.1, 16.5, "0.1", "16.5")]
    [InlineData(0.00001, 32, "1E-05", "32")]
    public void Write_Numbers_AreOfPeftsTypes(double dropout, double alpha, string writtenDropout, string writtenAlpha)
    {
        JsonObject config = PeftConfig.Write(new LoraOptions(4, alpha, dropout), "base");

        Assert.Equal(
            (writtenDropout, writtenAlpha, "4"),
            (config["lora_dropout"]!.ToJsonString(), config["lora_alpha"]!.ToJsonString(), config["r"]!.ToJsonString())
        );
    }

    [Fact]
    public void Create_TargetThatNamesNothing_IsRefused()
    {
        using LlamaModel model = LlamaModel.Load(RepositoryFiles.At("tests", "Golden", "llama2"), WeightStorage.Full);

        ModelException fault = Assert.Throws<ModelException>(() =>
            LoraAdapter.Create(model, new LoraOptions(4, 8, 0) { Targets = ["q_proj", "c_attn"] }, seed: 1)
        );

        Assert.Contains("c_attn", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RankAndAlphaPatterns_MatchAsPeftMatches()
    {
        var options = new LoraOptions(8, 16, 0)
        {
            RankPattern = new Dictionary<string, int> { ["^model.layers.0.self_attn.q_proj"] = 2, ["up_proj"] = 32 },
            AlphaPattern = new Dictionary<string, double> { ["up_proj"] = 64 },
        };

        Assert.Equal(
            [32, 8],
            [options.RankOf("model.layers.3.mlp.up_proj"), options.RankOf("model.layers.3.mlp.down_proj")]
        );
        Assert.Equal(2.0, options.ScaleOf("model.layers.3.mlp.up_proj"));
    }

    private static string Describe(SafetensorsEntry entry) =>
        $"{entry.Name} {entry.Dtype} [{string.Join(',', entry.Shape)}]";

    /// <summary>
    /// The config with its keys and target modules in order (peft's come out of a set) and its numbers as they are
    /// written: 0.0 is not 0.
    /// </summary>
    private static string Normal(string path)
    {
        JsonObject config = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        config["target_modules"] = new JsonArray([
            .. config["target_modules"]!
                .AsArray()
                .Select(t => t!.GetValue<string>())
                .Order(StringComparer.Ordinal)
                .Select(t => (JsonNode)t),
        ]);
        return string.Join(
            '\n',
            config.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{p.Key}: {p.Value?.ToJsonString()}")
        );
    }
}
