using Pipeline.Contracts;
using Pipeline.GpuWorker.Tests.Model.Llama.Gradients;
using Pipeline.Model.Adapters;
using Pipeline.Model.Gpu;
using Pipeline.Model.Llama;
using Pipeline.Model.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.GpuWorker.Tests.Model.Gpu;

public sealed class EmbeddingTableTests
{
    private static readonly int[] Ids = [3, 0, 6, 3];

    private static float[] Numbers(Tensor rows) => rows.to(ScalarType.Float32).data<float>().ToArray();

    /// <summary>The host's numbers may have more digits than the device's: rows are rounded as the table was.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Rows_AwayAndBack_AreTheSameToTheBit(bool loaded)
    {
        using DisposeScope scope = NewDisposeScope();
        using GpuKernels kernels = HostKernels.Load(ScalarType.BFloat16);
        using var generator = new Generator(1);
        Tensor exact = randn([7, 16], generator: generator),
            ids = tensor(Ids);
        using var table = new EmbeddingTable(exact.to(ScalarType.BFloat16), loaded ? exact : null, tied: false);
        float[] before = Numbers(table.Rows(kernels, ids, Ids));

        table.OffloadToHost();

        Assert.Equal(0, table.Bytes);
        Assert.Equal(before, Numbers(table.Rows(kernels, ids, Ids)));
        Assert.Throws<InvalidOperationException>(() => table.Rows(kernels, ids));
        table.RestoreToDevice();
        Assert.Equal(7 * 16 * 2, table.Bytes);
        Assert.Equal(before, Numbers(table.Rows(kernels, ids)));
    }

    [Fact]
    public void PutAway_TheHeadToo_Stays()
    {
        using DisposeScope scope = NewDisposeScope();
        using var table = new EmbeddingTable(zeros(7, 16), zeros(7, 16), tied: true);

        table.OffloadToHost();

        Assert.Equal(7 * 16 * 4, table.Bytes);
    }

    /// <summary>Offload saves what is estimated for it, and the model is asked afterwards as before.</summary>
    [Theory]
    [InlineData("llama2")]
    [InlineData("qwen2")]
    public void Offload_ThenAsked_TheTableIsWhereItIsNeeded(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using Accelerator gpu = HostKernels.Accelerator(ScalarType.BFloat16);
        using LlamaModel model = LlamaModel.Load(RepositoryFiles.At("tests", "Golden", name), WeightStorage.Full);
        using LoraAdapter adapter = LlamaGradientTests.Adapter(model, new LoraOptions(4, 8, 0));
        using var accelerated = new AcceleratedModel(model, gpu);
        using GpuAdapter copies = accelerated.Copy(adapter);
        long whole = accelerated.Bytes;
        long Reckoned(ActivationCheckpointing memory) =>
            TrainingMemory
                .OnGpu(model.Config.Shape, new TrainingSettings { Method = TrainingMethod.Lora }, 8, memory)
                .WeightBytes;
        float[] Answer() => Numbers(accelerated.ForInference(null).Forward(tensor(Ids, ScalarType.Int64).unsqueeze(0)));
        float[] before = Answer();

        accelerated.Gradient(copies, ActivationCheckpointing.Offload, 0).Dispose();

        Assert.Equal(
            Reckoned(ActivationCheckpointing.Full) - Reckoned(ActivationCheckpointing.Offload),
            whole - accelerated.Bytes
        );
        Assert.Equal(model.Config.TiedEmbeddings, accelerated.Bytes == whole);
        Assert.Equal(before, Answer());
        accelerated.Gradient(copies, ActivationCheckpointing.Offload, 0).Dispose();
        accelerated.Gradient(copies, ActivationCheckpointing.Full, 0).Dispose();
        Assert.Equal(whole, accelerated.Bytes);
    }
}
