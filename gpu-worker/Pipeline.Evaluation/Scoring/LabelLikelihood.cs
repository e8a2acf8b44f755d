using Pipeline.Model.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Evaluation.Scoring;

/// <summary>
/// The log-likelihood of each possible answer after each prompt, summed over the answer's tokens and the end token.
/// The prompt is read once; the answers are read as one tree after it, each node seeing the prompt and its ancestors
/// only.
/// </summary>
public static class LabelLikelihood
{
    private const int MaxRows = 32;
    private const long MaxLogits = 1L << 25; // numbers in the largest logits tensor, 128 MiB

    /// <summary>Scores every answer for every prompt.</summary>
    /// <param name="model">With or without its adapter.</param>
    /// <param name="prompts">Token ids of each prompt.</param>
    /// <param name="tree">The answers.</param>
    /// <param name="onRows">Called with the number of prompts done.</param>
    /// <param name="cancellation">Ends the work between batches.</param>
    /// <returns>For each prompt, in order, the natural-log likelihood of each answer.</returns>
    public static IReadOnlyList<IReadOnlyList<double>> Score(
        ICausalModel model,
        IReadOnlyList<IReadOnlyList<int>> prompts,
        AnswerTree tree,
        Action<int>? onRows,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(prompts);
        ArgumentNullException.ThrowIfNull(tree);
        using IDisposable frozen = no_grad();
        var result = new IReadOnlyList<double>[prompts.Count];
        int rows = (int)
            Math.Clamp(MaxLogits / (Math.Max(1, tree.Nodes.Count) * (long)model.Config.VocabularySize), 1, MaxRows);
        int done = 0;
        foreach (
            int[] batch in RowBatches.Create(
                [.. prompts.Select(p => p.Count + tree.Nodes.Count)],
                rows,
                model.MaxTokens
            )
        )
        {
            cancellation.ThrowIfCancellationRequested();
            double[][] scores = ScoreBatch(model, [.. batch.Select(i => prompts[i])], tree);
            for (int i = 0; i < batch.Length; i++)
            {
                result[batch[i]] = scores[i];
            }

            done += batch.Length;
            onRows?.Invoke(done);
        }

        return result;
    }

    private static double[][] ScoreBatch(ICausalModel model, IReadOnlyList<int>[] prompts, AnswerTree tree)
    {
        using DisposeScope scope = NewDisposeScope();
        using var cache = new KeyValueCache(model.Config.Layers);
        int longest = prompts.Max(p => p.Count);
        // [rows, vocabulary]
        Tensor atPrompt = LogProbabilities(model, PaddedPrompts.Read(model, prompts, longest, cache));
        Tensor? atNodes =
            // [rows, nodes, vocabulary]
            tree.Nodes.Count == 0
                ? null
                : LogProbabilities(model, ReadTree(model, prompts, longest, tree, cache));
        return Sum(prompts.Length, tree, atPrompt, atNodes);
    }

    private static Tensor ReadTree(
        ICausalModel model,
        IReadOnlyList<int>[] prompts,
        int longest,
        AnswerTree tree,
        KeyValueCache cache
    )
    {
        int nodes = tree.Nodes.Count;
        // [rows, nodes]
        Tensor ids = tensor([.. tree.Nodes.Select(n => (long)n.Token)]).unsqueeze(0).expand(prompts.Length, nodes);
        Tensor positions = tensor(
            [.. prompts.SelectMany(p => tree.Nodes.Select(n => (long)p.Count + n.Depth))],
            [prompts.Length, nodes]
        );
        Tensor lengths = tensor([.. prompts.Select(p => (long)p.Count)]).view(-1, 1, 1, 1);
        Tensor seesPrompt = arange(longest, dtype: ScalarType.Int64)
            .view(1, 1, 1, -1)
            .lt(lengths)
            .expand(prompts.Length, 1, nodes, longest);
        bool[] sees =
        [
            .. Enumerable.Range(0, nodes).SelectMany(i => Enumerable.Range(0, nodes).Select(j => tree.Sees(i, j))),
        ];
        Tensor seesTree = tensor(sees, [1, 1, nodes, nodes]).expand(prompts.Length, 1, nodes, nodes);
        // [rows, nodes, hidden]
        return model.Forward(ids, positions, cat([seesPrompt, seesTree], -1), cache, keep: false);
    }

    private static double[][] Sum(int rows, AnswerTree tree, Tensor atPrompt, Tensor? atNodes)
    {
        List<(int Node, int Next)> edges = [.. tree.Steps.SelectMany(s => s).Distinct()];
        Dictionary<(int, int), int> index = edges.Index().ToDictionary(e => e.Item, e => e.Index);
        List<(int Node, int Next)> first = [.. edges.Where(e => e.Node < 0)];
        List<(int Node, int Next)> later = [.. edges.Where(e => e.Node >= 0)];
        var values = new double[rows, edges.Count];
        AddPicked(
            first,
            atPrompt.index_select(1, tensor([.. first.Select(e => (long)e.Next)], device: atPrompt.device))
        );
        if (atNodes is not null && later.Count > 0)
        {
            Tensor flat = tensor([.. later.Select(e => (e.Node * atNodes.shape[2]) + e.Next)], device: atNodes.device);
            AddPicked(later, atNodes.reshape(rows, -1).index_select(1, flat));
        }

        return
        [
            .. Enumerable
                .Range(0, rows)
                .Select(row => tree.Steps.Select(steps => steps.Sum(s => values[row, index[s]])).ToArray()),
        ];

        void AddPicked(List<(int Node, int Next)> tokens, Tensor picked) // [rows, of]
        {
            float[] numbers = picked.cpu().data<float>().ToArray();
            for (int i = 0; i < numbers.Length; i++)
            {
                values[i / tokens.Count, index[tokens[i % tokens.Count]]] = numbers[i];
            }
        }
    }

    private static Tensor LogProbabilities(ICausalModel model, Tensor hidden) =>
        nn.functional.log_softmax(model.Logits(hidden), -1);
}
