using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Pipeline.Contracts;

namespace Pipeline.Model.Adapters;

/// <summary>An adapter's shape. Source: Hu et al. 2021, section 4.1; names as in peft <c>LoraConfig</c>.</summary>
/// <param name="Rank">r, from 1.</param>
/// <param name="Alpha">lora_alpha, above 0.</param>
/// <param name="Dropout">Probability with which an input element of the adapter is dropped in training, 0 to below
/// 1.</param>
public sealed record LoraOptions(int Rank, double Alpha, double Dropout)
{
    /// <summary>All linear layers of the decoder, the head left out, as peft understands the word.</summary>
    public const string AllLinear = TrainingSettings.AllLinear;

    /// <summary>Divides alpha by sqrt(r) instead of r (Kalajdzievski 2023, rsLoRA). Default false.</summary>
    public bool UseRslora { get; init; }

    /// <summary>
    /// Learns the magnitude of each output apart from its direction (Liu et al. 2024, DoRA). Default false.
    /// </summary>
    public bool UseDora { get; init; }

    /// <summary>
    /// Which linear layers: <c>all-linear</c>, or names such as <c>q_proj</c> that a path equals or ends with. Default
    /// all-linear.
    /// </summary>
    public IReadOnlyList<string> Targets { get; init; } = [AllLinear];

    /// <summary>
    /// A regular expression over whole paths in place of <see cref="Targets"/>, as peft takes for a text; <c>null</c>:
    /// none.
    /// </summary>
    public string? TargetExpression { get; init; }

    /// <summary>Names left out although targeted.</summary>
    public IReadOnlyList<string> Excluded { get; init; } = [];

    /// <summary>
    /// A regular expression over whole paths of layers left out, as peft takes for a text; <c>null</c>: none.
    /// </summary>
    public string? ExcludedExpression { get; init; }

    /// <summary>Indices of the decoder layers that are adapted; <c>null</c>: all.</summary>
    public IReadOnlyList<int>? Layers { get; init; }

    /// <summary>Other ranks by name or regular expression, as in peft; empty: none.</summary>
    public IReadOnlyDictionary<string, int> RankPattern { get; init; } = new Dictionary<string, int>();

    /// <summary>Other alphas by name or regular expression, as in peft; empty: none.</summary>
    public IReadOnlyDictionary<string, double> AlphaPattern { get; init; } = new Dictionary<string, double>();

    /// <summary>r of a layer.</summary>
    public int RankOf(string path) => Matching(RankPattern, path, Rank);

    /// <summary>Factor of a layer's low-rank update.</summary>
    public double ScaleOf(string path)
    {
        double alpha = Matching(AlphaPattern, path, Alpha);
        return alpha / (UseRslora ? Math.Sqrt(RankOf(path)) : RankOf(path));
    }

    /// <summary>Whether a linear layer of the decoder gets matrices.</summary>
    public bool Adapts(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (
            Excluded.Any(e => Named(path, e))
            || (ExcludedExpression is not null && Matches($"^(?:{ExcludedExpression})$", path))
        )
        {
            return false;
        }

        // As in peft, the layers' indices narrow names that are matched at a path's end, not expressions and whole
        // paths.
        return TargetExpression is not null
            ? Matches($"^(?:{TargetExpression})$", path)
            : Targets.Contains(path)
                || (
                    (Targets.Contains(AllLinear) || Targets.Any(t => Named(path, t)))
                    && (Layers is null || Layers.Contains(LayerOf(path)))
                );
    }

    private static bool Named(string path, string name) =>
        path == name || path.EndsWith("." + name, StringComparison.Ordinal);

    private static int LayerOf(string path) =>
        int.Parse(path.Split('.')[2], System.Globalization.CultureInfo.InvariantCulture);

    private static T Matching<T>(IReadOnlyDictionary<string, T> pattern, string path, T otherwise)
    {
        foreach ((string key, T value) in pattern)
        {
            if (Matches($@"^(?:(.*\.)?({key}))$", path))
            {
                return value;
            }
        }

        return otherwise;
    }

    private static readonly TimeSpan MatchTimeout = TimeSpan.FromMilliseconds(100);
    private static readonly ConcurrentDictionary<string, Regex> Expressions = new(StringComparer.Ordinal);

    /// <summary>
    /// An adapter comes from a stranger: its expressions run without backtracking; those that cannot, with
    /// lookarounds, get a moment, not the machine.
    /// </summary>
    private static bool Matches(string expression, string path)
    {
        const int MaxKept = 10_000;
        try
        {
            if (Expressions.Count > MaxKept)
            {
                Expressions.Clear();
            }

            return Expressions.GetOrAdd(expression, Compile).IsMatch(path);
        }
        catch (Exception fault) when (fault is ArgumentException or RegexMatchTimeoutException)
        {
            throw new ModelException(
                $"The adapter's expression '{InputFile.OneLine(expression)}' cannot be used: "
                    + InputFile.OneLine(fault.Message),
                fault
            );
        }
    }

    private static Regex Compile(string expression)
    {
        try
        {
            return new Regex(expression, RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
        }
        catch (NotSupportedException)
        {
            return new Regex(expression, RegexOptions.CultureInvariant, MatchTimeout);
        }
    }
}
