using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Training.Batching;

/// <summary>
/// Rows side by side, padded on the right. Padding is told by position, never by id: attention is causal, so no token
/// sees what stands behind it, and only positions named in <see cref="Predicting"/> are scored.
/// </summary>
public sealed class MicroBatch : IDisposable
{
    private MicroBatch(Tensor ids, Tensor predicting, Tensor targets, int tokens)
    {
        (Ids, Predicting, Targets, Tokens) = (ids, predicting, targets, tokens);
    }

    /// <summary>int64 [rows, longest].</summary>
    public Tensor Ids { get; }

    /// <summary>int64 [supervised]: flat positions in [rows · longest] whose next token is learned.</summary>
    public Tensor Predicting { get; }

    /// <summary>int64 [supervised]: those next tokens.</summary>
    public Tensor Targets { get; }

    /// <summary>Tokens, padding not counted.</summary>
    public int Tokens { get; }

    /// <summary>Tokens that are learned.</summary>
    public int SupervisedTokens => (int)Targets.NumberOfElements;

    /// <summary>Lays rows side by side.</summary>
    public static MicroBatch Of(IReadOnlyList<EncodedRow> rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        int longest = rows.Max(r => r.Ids.Count);
        var ids = new long[rows.Count * longest];
        var predicting = new List<long>();
        var targets = new List<long>();
        for (int row = 0; row < rows.Count; row++)
        {
            for (int i = 0; i < rows[row].Ids.Count; i++)
            {
                int flat = (row * longest) + i;
                ids[flat] = rows[row].Ids[i];
                if (i > 0 && rows[row].LossMask[i] == 1)
                {
                    predicting.Add(flat - 1);
                    targets.Add(rows[row].Ids[i]);
                }
            }
        }

        using DisposeScope scope = NewDisposeScope();
        return new MicroBatch(
            tensor(ids, [rows.Count, longest]).DetachFromDisposeScope(), tensor(predicting.ToArray()).DetachFromDisposeScope(),
            tensor(targets.ToArray()).DetachFromDisposeScope(), rows.Sum(r => r.Ids.Count));
    }

    public void Dispose()
    {
        Ids.Dispose();
        Predicting.Dispose();
        Targets.Dispose();
    }
}
