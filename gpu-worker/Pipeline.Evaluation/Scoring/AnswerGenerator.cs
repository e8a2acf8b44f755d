using Pipeline.Model.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Evaluation.Scoring;

/// <summary>Continues prompts token by token with a key-value cache, until a stop token.</summary>
public static class AnswerGenerator
{
    private const int MaxRows = 32;
    private const int Padding = 4; // a prompt goes beside one that is longer by one part in so many, or by a few tokens
    private const int FewTokens = 8;

    /// <summary>
    /// Writes after each prompt. Prompts of about the same length go side by side; padding is seen by none.
    /// </summary>
    /// <param name="model">With or without its adapter.</param>
    /// <param name="prompts">Token ids of each prompt.</param>
    /// <param name="mostTokens">Longest continuation.</param>
    /// <param name="stopIds">Tokens that end an answer; empty: none, always the longest.</param>
    /// <param name="choice">How the next token is chosen; default: the likeliest.</param>
    /// <param name="cancellation">Ends the work between tokens.</param>
    /// <returns>For each prompt, in order, the ids written without the end token, and whether it was written.</returns>
    public static IReadOnlyList<(IReadOnlyList<int> Ids, bool Stopped)> Continue(
        ICausalModel model,
        IReadOnlyList<IReadOnlyList<int>> prompts,
        int mostTokens,
        IReadOnlyList<int> stopIds,
        TokenChoice? choice = null,
        CancellationToken cancellation = default
    )
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(prompts);
        ArgumentNullException.ThrowIfNull(stopIds);
        using IDisposable frozen = no_grad();
        mostTokens = Math.Min(mostTokens, model.Config.MaxPositions);
        var answers = new Answer[prompts.Count];
        for (int i = 0; i < answers.Length; i++)
        {
            answers[i] = new Answer(prompts[i], mostTokens);
        }

        Answer[] open = [.. answers.Where(a => a.HasRoom(model.Config.MaxPositions))];
        foreach (
            int[] batch in RowBatches.Create(
                [.. open.Select(a => a.Prompt.Count + mostTokens)],
                MaxRows,
                model.MaxTokens,
                (shortest, longest) => longest - shortest <= Math.Max(FewTokens, (shortest - mostTokens) / Padding)
            )
        )
        {
            WriteBatch(model, [.. batch.Select(i => open[i])], stopIds, choice ?? TokenChoice.Greedy, cancellation);
        }

        return [.. answers.Select(a => ((IReadOnlyList<int>)a.Written, a.Stopped))];
    }

    private static void WriteBatch(
        ICausalModel model,
        Answer[] rows,
        IReadOnlyList<int> stopIds,
        TokenChoice choice,
        CancellationToken cancellation
    )
    {
        using DisposeScope outer = NewDisposeScope();
        using var cache = new KeyValueCache(model.Config.Layers);
        (Tensor next, Tensor? seen) = Read(model, rows, cache);
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            using DisposeScope scope = NewDisposeScope();
            long[] chosen = choice.Choose(model.Logits(next));
            int[] going =
            [
                .. Enumerable
                    .Range(0, rows.Length)
                    .Where(i => rows[i].Take((int)chosen[i], stopIds, model.Config.MaxPositions)),
            ];
            if (going.Length == 0)
            {
                return;
            }

            Tensor? visible = seen;
            if (going.Length < rows.Length)
            {
                Tensor kept = tensor([.. going.Select(i => (long)i)], device: next.device);
                cache.SelectRows(kept);
                visible = seen?.index_select(0, kept);
                rows = [.. going.Select(i => rows[i])];
            }

            visible = visible is null
                ? null
                : cat([visible, ones([rows.Length, 1], dtype: ScalarType.Bool, device: visible.device)], 1);
            Tensor positions = tensor([.. rows.Select(r => (long)r.Length - 1)], [rows.Length, 1]);
            Tensor hidden = model.Forward(
                tensor([.. rows.Select(r => (long)r.Written[^1])], [rows.Length, 1]),
                positions,
                visible?.view(rows.Length, 1, 1, -1),
                cache,
                keep: true
            );
            next.Dispose();
            seen?.Dispose();
            (next, seen) = (hidden.select(1, 0).MoveToOuterDisposeScope(), visible?.MoveToOuterDisposeScope());
        }
    }

    /// <summary>
    /// Reads the prompts: what stands after each one's last token, [rows, hidden], and where some are padded, the
    /// tokens that each may see, bool [rows, longest].
    /// </summary>
    private static (Tensor Next, Tensor? Seen) Read(ICausalModel model, Answer[] rows, KeyValueCache cache)
    {
        using DisposeScope scope = NewDisposeScope();
        int longest = rows[^1].Prompt.Count;
        Tensor next = PaddedPrompts
            .Read(model, [.. rows.Select(r => r.Prompt)], longest, cache)
            .MoveToOuterDisposeScope();
        Tensor? seen =
            rows[0].Prompt.Count == longest
                ? null
                : arange(longest, dtype: ScalarType.Int64)
                    .lt(tensor([.. rows.Select(r => (long)r.Prompt.Count)]).unsqueeze(1))
                    .to(next.device)
                    .MoveToOuterDisposeScope();
        return (next, seen);
    }

    /// <summary>An answer while it is written.</summary>
    private sealed class Answer(IReadOnlyList<int> prompt, int mostTokens)
    {
        public IReadOnlyList<int> Prompt => prompt;

        public List<int> Written { get; } = [];

        public bool Stopped { get; private set; }

        /// <summary>Tokens of prompt and answer.</summary>
        public int Length => prompt.Count + Written.Count;

        /// <summary>Whether another token may be written.</summary>
        public bool HasRoom(int positions) => Written.Count < mostTokens && Length < positions;

        /// <summary>Takes up the next token.</summary>
        /// <returns>Whether there is more to write.</returns>
        public bool Take(int token, IReadOnlyList<int> stopIds, int positions)
        {
            Stopped = stopIds.Contains(token);
            if (!Stopped)
            {
                Written.Add(token);
            }

            return !Stopped && HasRoom(positions);
        }
    }
}
