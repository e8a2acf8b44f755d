using System.Text.RegularExpressions;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trainers;
using Microsoft.ML.Transforms;
using Microsoft.ML.Transforms.Text;

namespace Pipeline.Reporting.Baselines;

/// <summary>
/// Word and character n-grams with TF-IDF and a balanced maximum-entropy model: what a label costs without a language
/// model. Words give one and two of them, characters one to four; the values of a text's words have length 1 together,
/// and so do those of its characters. Source of the
/// weights by label: King and Zeng 2001, section 2 (rows / (labels × rows of the label)).
/// </summary>
public sealed partial class LinearModel : IDisposable
{
    /// <summary>Most characters that it learns from; beyond, rows are drawn.</summary>
    public const int MaxCharacters = 5_000_000;

    private const int Seed = 1;
    private const int MaxWeights = 20_000_000;
    private readonly MLContext _context;
    private readonly ITransformer _model;
    private readonly IDataView _sample;
    private readonly PredictionEngine<LabelledText, Answer> _engine;

    private LinearModel(MLContext context, ITransformer model, IDataView sample, int rows, IReadOnlyList<string> labels)
    {
        (_context, _model, _sample, Rows) = (context, model, sample, rows);
        _engine = context.Model.CreatePredictionEngine<LabelledText, Answer>(model);
        Labels = labels;
    }

    /// <summary>Rows that it learned from.</summary>
    public int Rows { get; }

    /// <summary>Labels in the order of their probabilities.</summary>
    public IReadOnlyList<string> Labels { get; }

    /// <summary>Learns; the same rows give the same model.</summary>
    /// <param name="rows">Texts with their labels; two labels or more.</param>
    /// <exception cref="ArgumentException">There are fewer than two labels.</exception>
    public static LinearModel Train(IReadOnlyList<(string Text, string Label)> rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        LabelledText[] learned = Bounded(rows);
        Dictionary<string, int> counts = learned.CountBy(r => r.Label).ToDictionary(StringComparer.Ordinal);
        if (counts.Count < 2)
        {
            throw new ArgumentException("A linear model needs rows of two labels.", nameof(rows));
        }

        foreach (LabelledText row in learned)
        {
            row.Weight = (float)learned.Length / (counts.Count * counts[row.Label]);
        }

        var context = new MLContext(Seed);
        IDataView data = context.Data.LoadFromEnumerable(learned);
        string[] labels = [.. learned.Select(r => r.Label).Distinct(StringComparer.Ordinal)];
        ITransformer model = Steps(context, labels.Length).Fit(data);
        return new LinearModel(context, model, context.Data.TakeRows(data, 1), learned.Length, labels);
    }

    /// <summary>The likeliest label.</summary>
    public string Predict(string text) => _engine.Predict(Row(text, "")).Label;

    /// <summary>Each label's probability, in the order of <see cref="Labels"/>.</summary>
    public IReadOnlyList<float> Probabilities(string text) => _engine.Predict(Row(text, "")).Probabilities;

    /// <summary>
    /// Writes the model in ONNX. Its input <c>Text</c> is a text as <see cref="Prepare"/> gives it; its outputs are
    /// <c>Answer.output</c>, the label, and <c>Score.output</c>, the probabilities.
    /// </summary>
    public void WriteOnnx(Stream stream) => LinearModelFile.Write(_context, _model, _sample, stream);

    /// <summary>
    /// A text as the model reads it: in lower case, every sign but letters, digits and apostrophes a word of its own,
    /// one blank between words.
    /// </summary>
    public static string Prepare(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Blanks().Replace(Signs().Replace(text.ToLowerInvariant(), " $0 "), " ").Trim();
    }

    public void Dispose() => _engine.Dispose();

    /// <summary>All rows; where they have too many characters, a seeded draw of them.</summary>
    private static LabelledText[] Bounded(IReadOnlyList<(string Text, string Label)> rows)
    {
        if (rows.Sum(r => (long)r.Text.Length) <= MaxCharacters)
        {
            return [.. rows.Select(r => Row(r.Text, r.Label))];
        }

        (string Text, string Label)[] drawn = [.. rows];
        new Random(Seed).Shuffle(drawn);
        long characters = 0;
        return
        [
            .. drawn.TakeWhile(r => (characters += r.Text.Length) <= MaxCharacters).Select(r => Row(r.Text, r.Label)),
        ];
    }

    private static EstimatorChain<KeyToValueMappingTransformer> Steps(MLContext context, int labels)
    {
        int features = MaxWeights / labels / 2;
        return context
            .Transforms.Conversion.MapValueToKey("Key", nameof(LabelledText.Label))
            .Append(context.Transforms.Text.TokenizeIntoWords("Words", nameof(LabelledText.Text), [' ']))
            .Append(context.Transforms.Conversion.MapValueToKey("WordKeys", "Words", maximumNumberOfKeys: 10_000_000))
            .Append(NGrams(context, "WordKeys", "WordGrams", 2, features))
            .Append(context.Transforms.Text.TokenizeIntoCharactersAsKeys("Characters", nameof(LabelledText.Text), true))
            .Append(NGrams(context, "Characters", "CharacterGrams", 4, features))
            .Append(context.Transforms.Concatenate("Features", "WordGrams", "CharacterGrams"))
            .AppendCacheCheckpoint(context) // else every iteration makes the n-grams anew
            .Append(
                context.MulticlassClassification.Trainers.LbfgsMaximumEntropy(
                    new LbfgsMaximumEntropyMulticlassTrainer.Options
                    {
                        LabelColumnName = "Key",
                        FeatureColumnName = "Features",
                        ExampleWeightColumnName = nameof(LabelledText.Weight),
                        L1Regularization = 0,
                        L2Regularization = 0.25f,
                        NumberOfThreads = 1, // the same result every time
                        HistorySize = 20,
                        OptimizationTolerance = 1e-4f,
                        MaximumNumberOfIterations = 200,
                    }
                )
            )
            .Append(context.Transforms.Conversion.MapKeyToValue("Answer", "PredictedLabel"));
    }

    private static EstimatorChain<LpNormNormalizingTransformer> NGrams(
        MLContext context,
        string from,
        string to,
        int length,
        int most
    ) =>
        context
            .Transforms.Text.ProduceNgrams(
                to,
                from,
                length,
                useAllLengths: true,
                maximumNgramsCount: most,
                weighting: NgramExtractingEstimator.WeightingCriteria.TfIdf
            )
            .Append(context.Transforms.NormalizeLpNorm(to));

    private static LabelledText Row(string text, string label) => new() { Text = Prepare(text), Label = label };

    [GeneratedRegex(@"[^\p{L}\p{M}\p{N}'\s]")]
    private static partial Regex Signs();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();

    private sealed class LabelledText
    {
        public string Text { get; set; } = "";
        public string Label { get; set; } = "";
        public float Weight { get; set; } = 1;
    }

    private sealed class Answer
    {
        [ColumnName("Answer")]
        public string Label { get; set; } = "";

        [ColumnName("Score")]
        public float[] Probabilities { get; set; } = [];
    }
}
