using System.Globalization;
using Pipeline.Contracts;
using Pipeline.Model;

namespace Pipeline.Worker.Benchmarks;

/// <summary>
/// One case of <c>bench gpu</c>: <c>4x1024:selective</c>, or <c>4x1024:auto</c> for the fastest way that fits, with
/// <c>:0</c> without dropout; <c>packed200x4096:selective</c>, rows of 200 tokens on average packed into 4,096.
/// </summary>
/// <param name="Name">As it was given.</param>
/// <param name="Lengths">Tokens of each row.</param>
/// <param name="Memory">What is saved for the backward pass; <c>Auto</c>: as much as fits.</param>
/// <param name="Dropout">On the adapter's input.</param>
internal sealed record GpuCase(string Name, IReadOnlyList<int> Lengths, ActivationCheckpointing Memory, double Dropout)
{
    private const string Packed = "packed";
    private const double PeersDropout = 0.1;

    /// <summary>Tokens a step.</summary>
    public int Tokens => Lengths.Sum();

    /// <summary>Tokens a step as attention lays them side by side.</summary>
    public long Slots => (long)Lengths.Count * Lengths.Max();

    /// <summary>Reads a case.</summary>
    /// <exception cref="ModelException">It is none.</exception>
    public static GpuCase Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] parts = text.Split(':');
        string shape = parts[0].StartsWith(Packed, StringComparison.Ordinal) ? parts[0][Packed.Length..] : parts[0];
        int[] numbers =
        [
            .. shape
                .Split('x')
                .Select(n =>
                    int.TryParse(n, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : 0
                ),
        ];
        double dropout = PeersDropout;
        bool sound =
            parts.Length is 2 or 3
            && numbers.Length == 2
            && numbers.All(n => n > 0)
            && EnumNames.Parse<ActivationCheckpointing>(parts[1]) is not null
            && (
                parts.Length == 2
                || (
                    double.TryParse(parts[2], NumberStyles.Float, CultureInfo.InvariantCulture, out dropout)
                    && dropout is >= 0 and < 1
                )
            );
        if (!sound)
        {
            throw new ModelException(
                $"'{text}' is not a case: write rows and tokens, activation checkpointing, and the dropout where "
                    + "it is not "
                    + $"{PeersDropout.ToString(CultureInfo.InvariantCulture)}, such as 4x1024:selective, 8x1024:full:0 "
                    + "or packed200x4096:selective."
            );
        }

        IReadOnlyList<int> lengths =
            parts[0] == shape ? [.. Enumerable.Repeat(numbers[1], numbers[0])] : Mixed(numbers[0], numbers[1]);
        return new GpuCase(text, lengths, EnumNames.Parse<ActivationCheckpointing>(parts[1])!.Value, dropout);
    }

    /// <summary>
    /// Rows of a tenth to nearly twice the mean, in order as batches are laid out, until no more fit.
    /// </summary>
    private static int[] Mixed(int mean, int tokens)
    {
        var random = new Random(1);
        List<int> lengths = [];
        while (true)
        {
            int length = Math.Min(tokens, random.Next(Math.Max(1, mean / 10), Math.Max(2, (2 * mean) - (mean / 10))));
            if (lengths.Sum() + length > tokens)
            {
                return [.. lengths.Order()];
            }

            lengths.Add(length);
        }
    }
}
