using Pipeline.Model.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Evaluation.Scoring;

/// <summary>The log-likelihood of one given answer after each prompt, for tasks whose answers are free text.</summary>
public static class AnswerLikelihood
{
    private const int RowsTogether = 16;
    private const int LogitsTogether = 1 << 24;

    /// <summary>Scores each row's answer.</summary>
    /// <returns>For each row, in order, the summed natural-log likelihood of the answer's tokens.</returns>
    public static IReadOnlyList<double> Score(
        ICausalModel model,
        IReadOnlyList<(IReadOnlyList<int> Prompt, IReadOnlyList<int> Answer)> rows,
        Action<int>? onRows,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(rows);
        using IDisposable frozen = no_grad();
        int together = Math.Max(1, LogitsTogether / model.Config.VocabularySize); // no more logits than these at a time
        var result = new double[rows.Count];
        int done = 0;
        foreach (
            int[] batch in RowBatches.Create(
                [.. rows.Select(r => r.Prompt.Count + r.Answer.Count)],
                RowsTogether,
                model.MaxTokens
            )
        )
        {
            cancellation.ThrowIfCancellationRequested();
            using DisposeScope scope = NewDisposeScope();
            Tensor hidden = model.Forward(Ids(rows, batch)); // [rows, longest, hidden]
            for (int row = 0; row < batch.Length; row++)
            {
                (IReadOnlyList<int> prompt, IReadOnlyList<int> answer) = rows[batch[row]];
                double sum = 0;
                for (int at = 0; at < answer.Count; at += together)
                {
                    using DisposeScope part = NewDisposeScope();
                    int count = Math.Min(together, answer.Count - at);
                    // [part of the answer, hidden]
                    Tensor predicting = hidden.select(0, row).narrow(0, prompt.Count - 1 + at, count);
                    Tensor targets = tensor(
                        [.. answer.Skip(at).Take(count).Select(i => (long)i)],
                        device: hidden.device
                    );
                    sum -= nn
                        .functional.cross_entropy(model.Logits(predicting), targets, reduction: nn.Reduction.Sum)
                        .item<float>();
                }

                result[batch[row]] = sum;
            }

            done += batch.Length;
            onRows?.Invoke(done);
        }

        return result;
    }

    /// <summary>Prompts and answers of a batch, zeros after them: int64 [rows, longest].</summary>
    private static Tensor Ids(IReadOnlyList<(IReadOnlyList<int> Prompt, IReadOnlyList<int> Answer)> rows, int[] batch)
    {
        int longest = batch.Max(i => rows[i].Prompt.Count + rows[i].Answer.Count);
        return tensor(
            [
                .. batch
                    .SelectMany(i =>
                        rows[i]
                            .Prompt.Concat(rows[i].Answer)
                            .Concat(Enumerable.Repeat(0, longest - rows[i].Prompt.Count - rows[i].Answer.Count))
                    )
                    .Select(i => (long)i),
            ],
            [batch.Length, longest]
        );
    }
}
