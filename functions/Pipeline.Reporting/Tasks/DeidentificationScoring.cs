using System.Text.RegularExpressions;
using Pipeline.Contracts;
using Pipeline.Reporting.Metrics;

namespace Pipeline.Reporting.Tasks;

/// <summary>
/// Answers that repeat the question with each entity replaced by its type: <c>&lt;PERSON&gt;</c>, <c>[PERSON]</c> or
/// <c>{{PERSON}}</c>. An entity is found when type and replaced words are the right ones. A leak is an entity of the
/// right answer whose words stand in the answer given more often than in the right one, whatever else the answer says.
/// </summary>
public sealed partial class DeidentificationScoring : ITaskScoring
{
    public string ScoreName => "entityF1";

    /// <summary>The entity F1 of a row; an answer that is not the question with masks has no entities.</summary>
    public double Score(ScoredRow row)
    {
        ArgumentNullException.ThrowIfNull(row);
        return Entities(row.Question, row.Answer) is { } predicted
            ? MultisetMatch.From(Entities(row.Question, row.Gold) ?? [], predicted).F1
            : 0;
    }

    public IReadOnlyDictionary<string, double> Metrics(IReadOnlyList<ScoredRow> rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        MultisetMatch all = rows.Select(r =>
                MultisetMatch.From(Entities(r.Question, r.Gold) ?? [], Entities(r.Question, r.Answer) ?? [])
            )
            .Aggregate((a, b) => a + b);
        List<(string Type, bool Leaked)> gold =
        [
            .. rows.SelectMany(r => (Entities(r.Question, r.Gold) ?? []).Select(e => (e.Type, Leaks(e.Words, r)))),
        ];
        var metrics = new Dictionary<string, double>(StringComparer.Ordinal)
        {
            ["entityPrecision"] = all.Precision,
            ["entityRecall"] = all.Recall,
            ["entityF1"] = all.F1,
            ["leakRate"] = gold.Count == 0 ? 0 : gold.Average(g => g.Leaked ? 1.0 : 0),
            ["faithfulText"] = rows.Average(r => Entities(r.Question, r.Answer) is null ? 0.0 : 1),
        };
        foreach (
            IGrouping<string, (string Type, bool Leaked)> type in gold.GroupBy(g => g.Type)
                .OrderBy(g => g.Key, StringComparer.Ordinal)
        )
        {
            metrics[$"leakRate.{type.Key}"] = type.Average(g => g.Leaked ? 1.0 : 0);
        }

        return metrics;
    }

    public IReadOnlyDictionary<string, LabelScore> ByKind(IReadOnlyList<ScoredRow> rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        List<(List<(string Type, string Words)> Gold, List<(string Type, string Words)> Said)> parsed =
        [
            .. rows.Select(r => (Entities(r.Question, r.Gold) ?? [], Entities(r.Question, r.Answer) ?? [])),
        ];
        return parsed
            .SelectMany(p => p.Gold.Concat(p.Said))
            .Select(e => e.Type)
            .Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal)
            .ToDictionary(
                type => type,
                type =>
                {
                    MultisetMatch match = parsed
                        .Select(p =>
                            MultisetMatch.From(
                                [.. p.Gold.Where(e => e.Type == type)],
                                (IReadOnlyCollection<(string, string)>)[.. p.Said.Where(e => e.Type == type)]
                            )
                        )
                        .Aggregate((a, b) => a + b);
                    return new LabelScore(match.Precision, match.Recall, match.F1, match.Gold);
                },
                StringComparer.Ordinal
            );
    }

    /// <summary>What each mask stands for; <c>null</c> when the text between the masks is not the question's.</summary>
    public static List<(string Type, string Words)>? Entities(string question, string masked)
    {
        ArgumentNullException.ThrowIfNull(question);
        ArgumentNullException.ThrowIfNull(masked);
        var entities = new List<(string, string)>();
        string[] between = Mask().Split(masked); // text, type, text, type, …, text
        if (!question.StartsWith(between[0], StringComparison.Ordinal))
        {
            return null;
        }

        int at = between[0].Length;
        for (int i = 1; i < between.Length; i += 2)
        {
            string next = between[i + 1];
            bool last = i + 2 == between.Length;
            int end =
                last && next.Length == 0 ? question.Length
                : last ? question.Length - next.Length
                : next.Length == 0 ? NextWord(question, at)
                : question.IndexOf(next, Math.Min(at + 1, question.Length), StringComparison.Ordinal);
            if (
                end <= at
                || end > question.Length
                || (last && string.CompareOrdinal(question, end, next, 0, next.Length) != 0)
            )
            {
                return null;
            }

            entities.Add((between[i], question[at..end]));
            at = end + next.Length;
        }

        return at == question.Length ? entities : null;
    }

    /// <summary>Whether the answer has the words more often than the right one has: "Will" may stay a verb.</summary>
    private static bool Leaks(string words, ScoredRow row) =>
        Occurrences(words, row.Answer) > Occurrences(words, row.Gold);

    private static int Occurrences(string words, string text)
    {
        int count = 0;
        for (
            int at = text.IndexOf(words, StringComparison.OrdinalIgnoreCase);
            at >= 0;
            at = text.IndexOf(words, at + 1, StringComparison.OrdinalIgnoreCase)
        )
        {
            bool whole =
                (at == 0 || !char.IsLetterOrDigit(text[at - 1]))
                && (at + words.Length == text.Length || !char.IsLetterOrDigit(text[at + words.Length]));
            count += whole ? 1 : 0;
        }

        return count;
    }

    /// <summary>Two masks side by side: the first stands for one word.</summary>
    private static int NextWord(string text, int at)
    {
        int blank = text.IndexOf(' ', Math.Min(at + 1, text.Length));
        return blank < 0 ? text.Length : blank;
    }

    [GeneratedRegex(@"(?:<|\[|\{\{)([A-Z][A-Z0-9_-]*)(?:>|\]|\}\})")]
    private static partial Regex Mask();
}
