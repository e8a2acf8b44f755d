using System.Text.Json.Serialization;

namespace Pipeline.Contracts;

/// <summary>The shape of a base, as its config.json says it; what memory and time are estimated from.</summary>
/// <param name="Hidden">Numbers a token (<c>hidden_size</c>).</param>
/// <param name="Inner">Numbers a token within the feed-forward (<c>intermediate_size</c>).</param>
/// <param name="Layers">Decoder layers.</param>
/// <param name="Heads">Query heads.</param>
/// <param name="KeyValueHeads">Heads of keys and values.</param>
/// <param name="HeadSize">Numbers a head.</param>
/// <param name="Vocabulary">Tokens it knows.</param>
/// <param name="TiedEmbeddings">Whether the output layer is the embedding matrix.</param>
public sealed record BaseShape(
    int Hidden,
    int Inner,
    int Layers,
    int Heads,
    int KeyValueHeads,
    int HeadSize,
    int Vocabulary,
    bool TiedEmbeddings
)
{
    /// <summary>Outputs and inputs of each of a layer's linear layers, by name.</summary>
    public IReadOnlyList<(string Name, long Out, long In)> Linears =>
        [
            ("q_proj", (long)Heads * HeadSize, Hidden),
            ("k_proj", (long)KeyValueHeads * HeadSize, Hidden),
            ("v_proj", (long)KeyValueHeads * HeadSize, Hidden),
            ("o_proj", Hidden, (long)Heads * HeadSize),
            ("gate_proj", Inner, Hidden),
            ("up_proj", Inner, Hidden),
            ("down_proj", Hidden, Inner),
        ];

    /// <summary>Numbers in the linear weights of one layer.</summary>
    [JsonPropertyName("linearsPerLayer")] // as it was written before: checkpoints are told apart by it
    public long LinearParametersPerLayer => Linears.Sum(l => l.Out * l.In);

    /// <summary>Numbers in embedding, head and norms.</summary>
    public long Others => ((TiedEmbeddings ? 1L : 2L) * Vocabulary * Hidden) + ((2L * Layers) + 1) * Hidden;

    /// <summary>Numbers that are trained.</summary>
    /// <param name="training">Full, or an adapter's rank and targets.</param>
    public long Trained(TrainingSettings training)
    {
        ArgumentNullException.ThrowIfNull(training);
        if (training.Method == TrainingMethod.Full)
        {
            return (Layers * LinearParametersPerLayer) + Others;
        }

        IEnumerable<(string Name, long Out, long In)> adapted = Linears.Where(l =>
            training.Targets.Any(t =>
                t == TrainingSettings.AllLinear || l.Name.EndsWith(t.Split('.')[^1], StringComparison.Ordinal)
            )
        );
        return Layers * adapted.Sum(l => (training.R * (l.Out + l.In)) + (training.Dora ? l.Out : 0));
    }
}
