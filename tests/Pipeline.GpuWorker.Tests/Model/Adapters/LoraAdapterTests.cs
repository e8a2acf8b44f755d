using Pipeline.Model.Adapters;
using Pipeline.Model.Checkpoints;
using Pipeline.Model.Llama;
using Pipeline.Model.Weights;
using TorchSharp;

namespace Pipeline.GpuWorker.Tests.Model.Adapters;

/// <summary>An adapter on its model, and in its files.</summary>
public sealed class LoraAdapterTests
{
    [Fact]
    public void Attach_Folded_AnswersAsUnfolded()
    {
        using DisposeScope scope = torch.NewDisposeScope();
        using IDisposable frozen = torch.no_grad();
        using LlamaModel model = LlamaModel.Load(RepositoryFiles.At("tests", "Golden", "llama2"), WeightStorage.Nf4);
        using LoraAdapter adapter = PeftAdapterFiles.Read(RepositoryFiles.At("tests", "Golden", "qlora_llama2"), model);
        torch.Tensor ids = torch.arange(1, 33, dtype: torch.ScalarType.Int64).unsqueeze(0);
        torch.Tensor bare = model.Logits(model.Forward(ids));

        model.Attach(adapter.Pairs);
        torch.Tensor attached = model.Logits(model.Forward(ids));
        model.Attach(adapter.Pairs, folded: true);
        torch.Tensor folded = model.Logits(model.Forward(ids));
        model.Attach(null);
        torch.Tensor off = model.Logits(model.Forward(ids));

        Assert.InRange(folded.sub(attached).abs().max().item<float>(), 0, 1e-4);
        Assert.True(attached.sub(bare).abs().max().item<float>() > 0.1);
        Assert.Equal(0, off.sub(bare).abs().max().item<float>());
    }

    [Fact]
    public void PeftFiles_WrittenAndRead_AreTheSameAdapter()
    {
        using var folder = new TemporaryFolder();
        using LlamaModel model = LlamaModel.Load(RepositoryFiles.At("tests", "Golden", "llama2"), WeightStorage.Full);
        using LoraAdapter reference = PeftAdapterFiles.Read(
            RepositoryFiles.At("tests", "Golden", "lora_llama2"),
            model
        );

        PeftAdapterFiles.Write(folder.Path, reference, "llama2");

        using LoraAdapter read = PeftAdapterFiles.Read(folder.Path, model);
        using SafetensorsFile ours = SafetensorsFile.Open(Path.Combine(folder.Path, "adapter_model.safetensors"));
        using SafetensorsFile theirs = SafetensorsFile.Open(
            RepositoryFiles.At("tests", "Golden", "lora_llama2", "adapter_model.safetensors")
        );
        Assert.Equal(reference.Values.data<float>().ToArray(), read.Values.data<float>().ToArray());
        Assert.Equal(
            theirs
                .Entries.Values.OrderBy(e => e.Name, StringComparer.Ordinal)
                .Select(e => $"{e.Name} {e.Dtype} {string.Join(',', e.Shape)}"),
            ours.Entries.Values.OrderBy(e => e.Name, StringComparer.Ordinal)
                .Select(e => $"{e.Name} {e.Dtype} {string.Join(',', e.Shape)}")
        );
    }
}
