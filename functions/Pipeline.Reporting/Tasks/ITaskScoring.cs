using Pipeline.Contracts;

namespace Pipeline.Reporting.Tasks;

/// <summary>
/// How the answers to a task are scored: one number a row, on which intervals and tests stand, and the task's own
/// metrics over all rows.
/// </summary>
public interface ITaskScoring
{
    /// <summary>What the row's score is, such as <c>fieldF1</c>.</summary>
    string ScoreName { get; }

    /// <summary>A row's score, 0 to 1.</summary>
    double Score(ScoredRow row);

    /// <summary>The task's metrics by name, as fractions; over all rows.</summary>
    IReadOnlyDictionary<string, double> Metrics(IReadOnlyList<ScoredRow> rows);

    /// <summary>Precision, recall and F1 by kind (label, entity type); empty where the task has none.</summary>
    IReadOnlyDictionary<string, LabelScore> ByKind(IReadOnlyList<ScoredRow> rows);
}

/// <summary>A row that was answered.</summary>
/// <param name="Question">What was asked.</param>
/// <param name="Gold">The right answer.</param>
/// <param name="Answer">The answer given.</param>
/// <param name="LikelihoodAToken">The geometric mean of what the model gave each token of the right answer, 0 to
/// 1.</param>
public sealed record ScoredRow(string Question, string Gold, string Answer, double LikelihoodAToken = 0);
