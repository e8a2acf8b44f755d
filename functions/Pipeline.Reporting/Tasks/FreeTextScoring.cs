using Pipeline.Contracts;
using Pipeline.Reporting.Metrics;

namespace Pipeline.Reporting.Tasks;

/// <summary>Free answers: ROUGE-L against the right one.</summary>
internal sealed class FreeTextScoring : ITaskScoring
{
    public string ScoreName => "rougeL";

    public double Score(ScoredRow row) => RougeL.F1(row.Gold, row.Answer);

    public IReadOnlyDictionary<string, double> Metrics(IReadOnlyList<ScoredRow> rows) =>
        new Dictionary<string, double> { ["rougeL"] = rows.Average(r => RougeL.F1(r.Gold, r.Answer)) };

    public IReadOnlyDictionary<string, LabelScore> ByKind(IReadOnlyList<ScoredRow> rows) =>
        new Dictionary<string, LabelScore>();
}
