using Pipeline.Contracts;

namespace Pipeline.Reporting.Tasks;

/// <summary>
/// Plain texts: how likely the model holds each next token, as a geometric mean over a row; its inverse is the row's
/// perplexity.
/// </summary>
internal sealed class PlainTextScoring : ITaskScoring
{
    public string ScoreName => "tokenLikelihood";

    public double Score(ScoredRow row) => row.LikelihoodAToken;

    public IReadOnlyDictionary<string, double> Metrics(IReadOnlyList<ScoredRow> rows) =>
        new Dictionary<string, double> { ["tokenLikelihood"] = rows.Average(r => r.LikelihoodAToken) };

    public IReadOnlyDictionary<string, LabelScore> ByKind(IReadOnlyList<ScoredRow> rows) =>
        new Dictionary<string, LabelScore>();
}
