using Pipeline.Model.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Training.Batching;

/// <summary>
/// Rows that are computed together, one after the other. There is no padding to be told from tokens: where rows are
/// laid side by side, padding is known by position, never by id.
/// </summary>
public sealed class MicroBatch : IDisposable
{
    private MicroBatch(PackedRows rows, Tensor predicting, long[] targets)
    {
        (Rows, Predicting, Targets) = (rows, predicting, targets);
    }

    /// <summary>The rows' tokens.</summary>
    public PackedRows Rows { get; }

    /// <summary>int64 [supervised]: tokens, counted over all rows, whose next token is supervised.</summary>
    public Tensor Predicting { get; }

    /// <summary>Those next tokens.</summary>
    public ReadOnlyMemory<long> Targets { get; }

    /// <summary>Tokens.</summary>
    public int Tokens => Rows.Count;

    /// <summary>Tokens that are supervised.</summary>
    public int SupervisedTokens => Targets.Length;

    /// <summary>Packs rows.</summary>
    public static MicroBatch From(IReadOnlyList<EncodedRow> rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        (List<int> predicting, List<int> targets) = SupervisedPositions(rows);
        using DisposeScope scope = NewDisposeScope();
        return new MicroBatch(
            new PackedRows([.. rows.Select(r => r.Ids)]),
            tensor([.. predicting.Select(p => (long)p)]).DetachFromDisposeScope(),
            [.. targets.Select(t => (long)t)]
        );
    }

    /// <summary>The tokens, counted over all rows, whose next one is supervised, and those next ones.</summary>
    public static (List<int> Predicting, List<int> Targets) SupervisedPositions(IReadOnlyList<EncodedRow> rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        (List<int> predicting, List<int> targets) = ([], []);
        int start = 0;
        foreach (EncodedRow row in rows)
        {
            for (int i = 1; i < row.Ids.Count; i++)
            {
                if (row.LossMask[i] == 1)
                {
                    predicting.Add(start + i - 1);
                    targets.Add(row.Ids[i]);
                }
            }

            start += row.Ids.Count;
        }

        return (predicting, targets);
    }

    public void Dispose()
    {
        Rows.Dispose();
        Predicting.Dispose();
    }
}
