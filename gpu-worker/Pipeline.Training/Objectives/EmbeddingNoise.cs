using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Training.Objectives;

/// <summary>
/// NEFTune's noise: uniform in ±alpha / sqrt(L · hidden), L being the tokens of each token's row. Source: Jain et al.
/// 2023, algorithm 1; transformers <c>trainer_utils.py</c> (neftune_post_forward_hook).
/// </summary>
internal static class EmbeddingNoise
{
    /// <summary>Makes it.</summary>
    /// <param name="lengths">Tokens of each row.</param>
    /// <param name="hidden">Numbers a token.</param>
    /// <param name="alpha">Above 0.</param>
    /// <param name="seed">The same seed gives the same noise.</param>
    /// <returns>float32 [tokens, hidden], on the CPU.</returns>
    public static Tensor Create(IReadOnlyList<int> lengths, long hidden, double alpha, uint seed)
    {
        using DisposeScope scope = NewDisposeScope();
        using var generator = new Generator(seed);
        float[] sizes =
        [
            .. lengths.SelectMany(l => Enumerable.Repeat((float)(alpha / Math.Sqrt((double)l * hidden)), l)),
        ];
        return rand([sizes.Length, hidden], generator: generator)
            .mul_(2)
            .sub_(1)
            .mul_(tensor(sizes).unsqueeze(1))
            .MoveToOuterDisposeScope();
    }
}
