using Pipeline.Model;
using Pipeline.Model.Llama;
using Pipeline.Model.Weights;

namespace Pipeline.GpuWorker.Tests.Model.Checkpoints;

/// <summary>Bases that cannot be used: each is refused with what is wrong.</summary>
public sealed class BaseModelFaultTests
{
    private static string Load(Action<string> spoil)
    {
        using var folder = new TemporaryFolder();
        string copy = folder.CopyOf(RepositoryFiles.At("tests", "Golden", "llama2"), "llama2");
        spoil(copy);
        return Assert.Throws<ModelException>(() => LlamaModel.Load(copy, WeightStorage.Full)).Message;
    }

    private static void Replace(string folder, string old, string with)
    {
        string path = Path.Combine(folder, "config.json");
        string text = File.ReadAllText(path);
        Assert.Contains(old, text, StringComparison.Ordinal);
        File.WriteAllText(path, text.Replace(old, with, StringComparison.Ordinal));
    }

    [Fact]
    public void Load_MissingFolder_IsNamed() =>
        Assert.Contains(
            "does not exist",
            Assert.Throws<ModelException>(() => LlamaModel.Load("/no/such/base", WeightStorage.Full)).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void Load_Pickle_IsNeverOpened() =>
        Assert.Contains(
            "is a pickle",
            Load(f => File.Move(Path.Combine(f, "model.safetensors"), Path.Combine(f, "pytorch_model.bin"))),
            StringComparison.Ordinal
        );

    [Fact]
    public void Load_TruncatedWeights_AreRefused() =>
        Assert.Contains(
            "truncated",
            Load(f =>
            {
                string path = Path.Combine(f, "model.safetensors");
                File.WriteAllBytes(path, File.ReadAllBytes(path)[..^1000]);
            }),
            StringComparison.Ordinal
        );

    [Fact]
    public void Load_OtherShape_NamesBothShapes() =>
        Assert.Contains(
            "[176, 64] where config.json asks for [180, 64]",
            Load(f => Replace(f, "\"intermediate_size\": 176", "\"intermediate_size\": 180")),
            StringComparison.Ordinal
        );

    [Fact]
    public void Load_MoreLayers_NamesTheMissingTensor() =>
        Assert.Contains(
            "lacks the tensor 'model.layers.2.input_layernorm.weight'",
            Load(f => Replace(f, "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3")),
            StringComparison.Ordinal
        );

    [Theory]
    [InlineData("LlamaForCausalLM", "GPT2LMHeadModel", "the architecture is GPT2LMHeadModel")]
    [InlineData("\"attention_bias\": false", "\"attention_bias\": true", "attention_bias is set")]
    [InlineData("\"rope_type\": \"default\"", "\"rope_type\": \"yarn\"", "RoPE of the type 'yarn'")]
    [InlineData(
        "\"rope_type\": \"default\"",
        "\"rope_type\": \"default\", \"partial_rotary_factor\": 0.5",
        "partial_rotary_factor is 0.5; RoPE over whole heads"
    )]
    [InlineData(
        "\"rope_type\": \"default\"",
        "\"rope_type\": \"default\", \"mscale\": 2",
        "rope_parameters has the key 'mscale', which is not known here"
    )]
    [InlineData(
        "\"num_hidden_layers\": 2",
        "\"num_hidden_layers\": 1",
        "holds tensors that config.json's architecture does not have: model.layers.1.input_layernorm.weight"
    )]
    [InlineData("\"hidden_act\": \"silu\"", "\"hidden_act\": \"gelu\"", "the activation is gelu")]
    [InlineData("\"hidden_size\": 64,", "", "lacks 'hidden_size'")]
    public void Load_ConfigThatIsNotComputed_SaysWhy(string old, string with, string message) =>
        Assert.Contains(message, Load(f => Replace(f, old, with)), StringComparison.Ordinal);
}
