using System.Globalization;
using Pipeline.Contracts;
using Pipeline.Reporting.Metrics;

namespace Pipeline.Reporting.Baselines;

/// <summary>
/// What needs no language model reaches on a dataset that was just built: a person should hear it before a GPU is paid.
/// </summary>
public static class DatasetBaselines
{
    /// <summary>Trains the baselines and lets them answer.</summary>
    /// <param name="folder">Holds <c>train.jsonl</c> and <c>test.jsonl</c>.</param>
    /// <param name="labels">All labels; empty for tasks without.</param>
    /// <param name="maxTrainingBytes">Most bytes of training rows that are read; of more a share is, drawn by the rows'
    /// ids.</param>
    /// <param name="maxTestBytes">The same of held-out rows.</param>
    /// <returns><c>null</c>: the task has no labels, or train or test rows are missing.</returns>
    public static BaselineForecast? Forecast(
        string folder,
        IReadOnlyList<string> labels,
        long maxTrainingBytes = 64L << 20,
        long maxTestBytes = 8L << 20
    )
    {
        ArgumentNullException.ThrowIfNull(labels);
        if (labels.Count == 0)
        {
            return null;
        }

        List<Example> train = Read(Path.Combine(folder, BlobLayout.TrainFile), maxTrainingBytes);
        List<Example> test = Read(Path.Combine(folder, BlobLayout.TestFile), maxTestBytes);
        if (train.Count == 0 || test.Count == 0)
        {
            return null;
        }

        using LinearModel? linear = BaselineScores.TrainLinear(train, labels);
        string[] gold = [.. test.Select(e => e.Label!)];
        return new BaselineForecast
        {
            Scores = BaselineScores
                .Answers(train, test, linear)
                .ToDictionary(
                    a => a.Key,
                    a => new BaselineScore(
                        ClassificationMetrics.Accuracy(gold, a.Value),
                        ClassificationMetrics.MacroF1(ClassificationMetrics.PerLabel(gold, a.Value, labels))
                    )
                ),
            LearnedRows = linear?.Rows ?? train.Count,
            TestRows = test.Count,
        };
    }

    /// <summary>A file's rows; of a file that is too long a share, drawn by a hash of their ids.</summary>
    private static List<Example> Read(string path, long maxBytes)
    {
        double share = Math.Min(1, (double)maxBytes / Math.Max(1, new FileInfo(path).Length));
        IEnumerable<Example> rows = File.ReadLines(path).Select(l => ContractJson.Read<Example>(l));
        return [.. share < 1 ? rows.Where(r => PlaceOf(r.Id) < share) : rows];
    }

    private static double PlaceOf(string id) =>
        ulong.Parse(ContentHash.ShortOf(id), NumberStyles.HexNumber, CultureInfo.InvariantCulture)
        / (double)ulong.MaxValue;
}
