using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Evaluation.Scoring;

/// <summary>
/// How the next token is chosen: the likeliest, or drawn by temperature from the smallest set of tokens that together
/// reach top-p. Source: Holtzman et al. 2019 (nucleus sampling); transformers <c>generation/logits_process.py</c>
/// (TopPLogitsWarper).
/// </summary>
public sealed class TokenChoice
{
    private readonly Random _random;

    /// <summary>Makes a choice.</summary>
    /// <param name="temperature">0: always the likeliest; above: logits are divided by it.</param>
    /// <param name="topP">Above 0 to 1; 1: all tokens.</param>
    /// <param name="seed">The same seed draws the same tokens.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of its range.</exception>
    public TokenChoice(double temperature, double topP, int seed)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(temperature);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(topP);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(topP, 1);
        (Temperature, TopP, _random) = (temperature, topP, new Random(seed));
    }

    /// <summary>Always the likeliest.</summary>
    public static TokenChoice Greedy { get; } = new(0, 1, 0);

    public double Temperature { get; }
    public double TopP { get; }

    /// <summary>Chooses for each row.</summary>
    /// <param name="logits">float32 [rows, vocabulary].</param>
    public long[] Choose(Tensor logits)
    {
        ArgumentNullException.ThrowIfNull(logits);
        using DisposeScope scope = NewDisposeScope();
        if (Temperature == 0)
        {
            return logits.argmax(-1).cpu().data<long>().ToArray();
        }

        (Tensor sorted, Tensor order) = nn.functional.softmax(logits.div(Temperature), -1).sort(-1, descending: true);
        (sorted, order) = (sorted.cpu(), order.cpu());
        return
        [
            .. Enumerable
                .Range(0, (int)logits.shape[0])
                .Select(row => Draw(sorted[row].data<float>().ToArray(), order[row])),
        ];
    }

    private long Draw(float[] probabilities, Tensor order)
    {
        int kept = 0;
        double mass = 0;
        while (kept < probabilities.Length && (kept == 0 || mass < TopP))
        {
            mass += probabilities[kept++];
        }

        double at = _random.NextDouble() * mass;
        int chosen = 0;
        while (chosen < kept - 1 && at >= probabilities[chosen])
        {
            at -= probabilities[chosen++];
        }

        return order[chosen].item<long>();
    }
}
