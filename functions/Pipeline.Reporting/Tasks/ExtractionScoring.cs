using System.Text.Json.Nodes;
using Pipeline.Contracts;
using Pipeline.Reporting.Metrics;

namespace Pipeline.Reporting.Tasks;

/// <summary>
/// Answers that are JSON objects. A field is a top-level key with its whole value; a span is a single value anywhere
/// below, under its path without array indices, so that lists count item by item. Both are averaged over all rows
/// (micro).
/// </summary>
public sealed class ExtractionScoring : ITaskScoring
{
    public string ScoreName => "fieldF1";

    /// <summary>The field F1 of a row; an answer that is not a JSON object has no fields.</summary>
    public double Score(ScoredRow row)
    {
        ArgumentNullException.ThrowIfNull(row);
        return JsonAnswer.Parse(row.Answer) is null ? 0 : Fields(row.Gold, row.Answer).F1;
    }

    public IReadOnlyDictionary<string, double> Metrics(IReadOnlyList<ScoredRow> rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        MultisetMatch fields = Sum(rows, Fields);
        MultisetMatch spans = Sum(rows, (gold, answer) => MultisetMatch.From(Spans(gold), Spans(answer)));
        return new Dictionary<string, double>
        {
            ["jsonValidity"] = rows.Average(r => JsonAnswer.Parse(r.Answer) is null ? 0.0 : 1),
            ["fieldPrecision"] = fields.Precision,
            ["fieldRecall"] = fields.Recall,
            ["fieldF1"] = fields.F1,
            ["spanPrecision"] = spans.Precision,
            ["spanRecall"] = spans.Recall,
            ["spanF1"] = spans.F1,
        };
    }

    /// <summary>By top-level key, spans.</summary>
    public IReadOnlyDictionary<string, LabelScore> ByKind(IReadOnlyList<ScoredRow> rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        List<(List<(string Path, string Value)> Gold, List<(string Path, string Value)> Said)> parsed =
        [
            .. rows.Select(r => (Spans(r.Gold), Spans(r.Answer))),
        ];
        return parsed
            .SelectMany(p => p.Gold.Concat(p.Said))
            .Select(s => Key(s.Path))
            .Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal)
            .ToDictionary(
                key => key,
                key =>
                {
                    MultisetMatch match = parsed
                        .Select(p =>
                            MultisetMatch.From(
                                [.. p.Gold.Where(s => Key(s.Path) == key)],
                                (IReadOnlyCollection<(string, string)>)[.. p.Said.Where(s => Key(s.Path) == key)]
                            )
                        )
                        .Aggregate((a, b) => a + b);
                    return new LabelScore(match.Precision, match.Recall, match.F1, match.Gold);
                },
                StringComparer.Ordinal
            );
    }

    private static MultisetMatch Sum(IReadOnlyList<ScoredRow> rows, Func<string, string, MultisetMatch> match) =>
        rows.Select(r => match(r.Gold, r.Answer)).Aggregate((a, b) => a + b);

    private static MultisetMatch Fields(string gold, string answer) =>
        MultisetMatch.From(TopLevel(gold), TopLevel(answer));

    private static List<(string Key, string Value)> TopLevel(string json) =>
        JsonAnswer.Parse(json) is { } parsed ? [.. parsed.Select(p => (p.Key, JsonAnswer.ComparisonKey(p.Value)))] : [];

    private static List<(string Path, string Value)> Spans(string json)
    {
        var spans = new List<(string, string)>();
        if (JsonAnswer.Parse(json) is { } parsed)
        {
            AddLeaves(parsed, "", spans);
        }

        return spans;
    }

    private static void AddLeaves(JsonNode? node, string path, List<(string, string)> spans)
    {
        switch (node)
        {
            case JsonObject holder:
                foreach ((string key, JsonNode? value) in holder)
                {
                    AddLeaves(value, path.Length == 0 ? key : $"{path}.{key}", spans);
                }

                break;
            case JsonArray items:
                foreach (JsonNode? item in items)
                {
                    AddLeaves(item, path, spans);
                }

                break;
            case not null:
                spans.Add((path, JsonAnswer.ComparisonKey(node)));
                break;
        }
    }

    private static string Key(string path) => path.Split('.')[0];
}
