using Pipeline.Contracts;
using Pipeline.Reporting.Metrics;

namespace Pipeline.Reporting.Tasks;

/// <summary>Labels: a row is right or wrong.</summary>
internal sealed class ClassificationScoring(IReadOnlyList<string> labels) : ITaskScoring
{
    public string ScoreName => "accuracy";

    public double Score(ScoredRow row) => row.Answer == row.Gold ? 1 : 0;

    public IReadOnlyDictionary<string, double> Metrics(IReadOnlyList<ScoredRow> rows) =>
        new Dictionary<string, double> { ["macroF1"] = ClassificationMetrics.MacroF1(ByKind(rows)) };

    public IReadOnlyDictionary<string, LabelScore> ByKind(IReadOnlyList<ScoredRow> rows) =>
        ClassificationMetrics.PerLabel([.. rows.Select(r => r.Gold)], [.. rows.Select(r => r.Answer)], labels);
}
