using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Ingestion.Layouts;

/// <summary>Answers that a person gives by marking spans of a text.</summary>
public static class SpanAnswers
{
    private const string Text = "text";
    private const string Spans = "spans";

    /// <summary>The answer of a text with spans, as data in the same form would be learned.</summary>
    /// <param name="text">The text.</param>
    /// <param name="spans">JSON: a list of objects with <c>start</c>, <c>end</c> and <c>label</c>.</param>
    /// <param name="task">Extraction or de-identification.</param>
    /// <returns>The answer, or what is wrong with the spans.</returns>
    public static (string? Answer, string? Fault) From(string text, string spans, TaskKind task)
    {
        if (task is not (TaskKind.Extraction or TaskKind.Deidentification))
        {
            return (null, $"spans are answers of extraction and deidentification, not of {task.Name()}");
        }

        var row = new RawRow(
            new RowPlace("a reviewer's spans", 1, 1),
            new Dictionary<string, string> { [Text] = text, [Spans] = spans },
            null
        );
        RowContent content = new SpanAnnotations(Text, Spans).Map(row, task);
        return content.Reason is null ? (content.Messages[^1].Content, null) : (null, content.Detail);
    }
}
