using Pipeline.Model.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Evaluation.Scoring;

/// <summary>Continues prompts token by token behind a key-value cache, until a stop token.</summary>
public static class AnswerWriter
{
    private const int MostRows = 32;

    /// <summary>Writes behind each prompt. Prompts of the same length go side by side, so nothing is padded.</summary>
    /// <param name="model">With or without its adapter.</param>
    /// <param name="prompts">Token ids of each prompt.</param>
    /// <param name="mostTokens">Longest continuation.</param>
    /// <param name="stopIds">Tokens that end an answer; empty: none, always the longest.</param>
    /// <param name="choice">How the next token is chosen; default: the likeliest.</param>
    /// <param name="cancellation">Ends the work between tokens.</param>
    /// <returns>For each prompt, in order, the ids written without the end token, and whether it was written.</returns>
    public static IReadOnlyList<(IReadOnlyList<int> Ids, bool Stopped)> Continue(
        LlamaModel model, IReadOnlyList<IReadOnlyList<int>> prompts, int mostTokens, IReadOnlyList<int> stopIds, TokenChoice? choice = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(prompts);
        using IDisposable frozen = no_grad();
        var result = new (IReadOnlyList<int>, bool)[prompts.Count];
        foreach (int[] batch in Enumerable.Range(0, prompts.Count).GroupBy(i => prompts[i].Count).OrderBy(g => g.Key).SelectMany(g => g.Chunk(MostRows)))
        {
            (List<int>[] written, bool[] stopped) = WriteBatch(model, [.. batch.Select(i => prompts[i])], mostTokens, stopIds, choice ?? TokenChoice.Greedy, cancellation);
            for (int i = 0; i < batch.Length; i++)
            {
                result[batch[i]] = (written[i], stopped[i]);
            }
        }

        return result;
    }

    private static (List<int>[] Written, bool[] Stopped) WriteBatch(LlamaModel model, IReadOnlyList<int>[] prompts, int mostTokens, IReadOnlyList<int> stopIds, TokenChoice choice, CancellationToken cancellation)
    {
        using var cache = new KeyValueCache(model.Config.Layers);
        var written = new List<int>[prompts.Length];
        var stopped = new bool[prompts.Length];
        for (int i = 0; i < written.Length; i++)
        {
            written[i] = [];
        }

        int length = prompts[0].Count;
        int[] rows = [.. Enumerable.Range(0, prompts.Length)]; // rows still being written
        long[] next = [.. prompts.SelectMany(p => p).Select(i => (long)i)];
        for (int step = 0; step < mostTokens && length + step < model.Config.MaxPositions; step++)
        {
            cancellation.ThrowIfCancellationRequested();
            using DisposeScope scope = NewDisposeScope();
            long count = next.Length / rows.Length;
            Tensor positions = arange(cache.Length, cache.Length + count, dtype: ScalarType.Int64).unsqueeze(0);
            // One token behind a cache sees all of it; only the first pass, the prompt, is causal.
            Tensor? mask = cache.Length == 0 ? null : ones([rows.Length, 1, 1, cache.Length + 1], dtype: ScalarType.Bool);
            Tensor hidden = model.Forward(tensor(next, [rows.Length, count]), positions, mask, cache, keep: true);
            long[] chosen = choice.Choose(model.Logits(hidden.select(1, count - 1)));                   // [rows]
            var going = new List<int>();
            for (int i = 0; i < rows.Length; i++)
            {
                if (stopIds.Contains((int)chosen[i]))
                {
                    stopped[rows[i]] = true;
                }
                else
                {
                    written[rows[i]].Add((int)chosen[i]);
                    going.Add(i);
                }
            }

            if (going.Count == 0)
            {
                break;
            }

            if (going.Count < rows.Length)
            {
                cache.SelectRows(tensor([.. going.Select(i => (long)i)]));
            }

            next = [.. going.Select(i => chosen[i])];
            rows = [.. going.Select(i => rows[i])];
        }

        return (written, stopped);
    }
}
