using System.Diagnostics;
using Pipeline.Model.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Worker.Benchmarks;

/// <summary>
/// The least time a LoRA step can take: the sum of its matrix products, each of its own shape and timed alone, best of
/// several: the linear layers', the adapter's, the head's, and attention's over whole squares. Norms, RoPE, softmax,
/// activations, dropout, loss and the optimizer are left out, so no program reaches it.
/// </summary>
internal static class ProductCeiling
{
    private const int Repeats = 7;

    /// <summary>Seconds a step.</summary>
    /// <param name="config">The model.</param>
    /// <param name="rank">r on all linear layers of the decoder.</param>
    /// <param name="rows">Rows a step.</param>
    /// <param name="length">Tokens a row; all but the first are supervised.</param>
    public static double Seconds(LlamaConfig config, int rank, long rows, long length)
    {
        (long tokens, long predicted) = (rows * length, rows * (length - 1));
        (long hidden, long inner) = (config.HiddenSize, config.IntermediateSize);
        (long queries, long keys) = (
            (long)config.Heads * config.HeadSize,
            (long)config.KeyValueHeads * config.HeadSize
        );
        (long In, long Out)[] projections =
        [
            (hidden, queries),
            (hidden, keys),
            (hidden, keys),
            (queries, hidden),
            (hidden, inner),
            (hidden, inner),
            (inner, hidden),
        ];
        var known = new Dictionary<(long, long, long, char, char), double>();
        double Product(long rows, long depth, long columns, char left, char right) =>
            known.TryGetValue((rows, depth, columns, left, right), out double seconds)
                ? seconds
                : known[(rows, depth, columns, left, right)] = Time(rows, depth, columns, left, right);

        double layer = projections.Sum(p =>
            Product(tokens, p.In, p.Out, 'n', 't')
            + Product(tokens, p.Out, p.In, 'n', 'n') // x Wᵀ, dy W
            + Product(tokens, p.In, rank, 'n', 't')
            + Product(tokens, rank, p.Out, 'n', 't') // x Aᵀ, (x Aᵀ) Bᵀ
            + Product(tokens, p.Out, rank, 'n', 'n')
            + Product(tokens, rank, p.In, 'n', 'n') // dy B, (dy B) A
            + Product(p.Out, tokens, rank, 't', 'n')
            + Product(rank, tokens, p.In, 't', 'n')
        ); // dB, dA
        double head =
            Product(predicted, hidden, config.VocabularySize, 'n', 't')
            + Product(predicted, config.VocabularySize, hidden, 'n', 'n');
        return (config.Layers * (layer + Attention(config, rows, length))) + head;
    }

    /// <summary>Q Kᵀ and P V, and in the backward pass dP = dO Vᵀ, dV = Pᵀ dO, dQ = dS K, dK = dSᵀ Q.</summary>
    private static double Attention(LlamaConfig config, long rows, long length)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable frozen = no_grad();
        Tensor heads = rand(rows * config.Heads, length, config.HeadSize);
        Tensor square = rand(rows * config.Heads, length, length);
        double wide = Best(() => heads.bmm(heads.transpose(1, 2)).Dispose());
        double narrow = Best(() => square.bmm(heads).Dispose());
        double turned = Best(() => square.transpose(1, 2).bmm(heads).Dispose());
        return (2 * wide) + (2 * narrow) + (2 * turned);
    }

    private static double Time(long rows, long depth, long columns, char left, char right)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable frozen = no_grad();
        Tensor a = left == 't' ? rand(depth, rows).t() : rand(rows, depth);
        Tensor b = right == 't' ? rand(columns, depth).t() : rand(depth, columns);
        Tensor c = zeros(rows, columns);
        return Best(() => c.addmm_(a, b, 0, 1));
    }

    private static double Best(Action product)
    {
        double best = double.MaxValue;
        for (int i = 0; i < Repeats + 2; i++)
        {
            long started = Stopwatch.GetTimestamp();
            product();
            best = i < 2 ? best : Math.Min(best, Stopwatch.GetElapsedTime(started).TotalSeconds);
        }

        return best;
    }
}
