using static TorchSharp.torch;

namespace Pipeline.Model.Llama;

/// <summary>
/// Root-mean-square norm: <c>w · x / sqrt(mean(x²) + ε)</c>. Source: Zhang and Sennrich 2019; transformers
/// <c>LlamaRMSNorm</c>.
/// </summary>
internal sealed class RmsNorm(Tensor weight, double epsilon) : IDisposable
{
    private Tensor _weight = weight.DetachFromDisposeScope(); // [hidden]

    /// <summary>float32 [hidden].</summary>
    public Tensor Weight => _weight;

    /// <summary>ε.</summary>
    public double Epsilon => epsilon;

    /// <summary>Puts another weight in the place of the one that is held.</summary>
    public void Replace(Func<Tensor, Tensor> replacement) => _weight = replacement(_weight);

    public Tensor Forward(Tensor input)
    {
        Tensor scale = input.square().mean([-1], keepdim: true).add_(epsilon).rsqrt_(); // [..., 1]
        return input.mul(scale).mul(_weight);
    }

    public void Dispose() => _weight.Dispose();
}
