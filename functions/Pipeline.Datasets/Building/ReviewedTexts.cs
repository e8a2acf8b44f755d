using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Layouts;
using Pipeline.Datasets.Ingestion.Rows;
using Pipeline.Datasets.Splitting;
using Pipeline.Datasets.Validation;

namespace Pipeline.Datasets.Building;

/// <summary>
/// What reviewers with a key have decided on texts: that a row is not to be learned, or that its rule is unclear.
/// </summary>
/// <param name="decisions">The decisions by the texts' keys.</param>
internal sealed class ReviewedTexts(IEnumerable<(string Key, Decision Decision)> decisions)
{
    private readonly Dictionary<string, Decision> _decisions = decisions
        .DistinctBy(d => d.Key, StringComparer.Ordinal)
        .ToDictionary(d => d.Key, d => d.Decision, StringComparer.Ordinal);

    /// <summary>No decisions.</summary>
    public static ReviewedTexts None { get; } = new([]);

    /// <summary>What two spellings of a text have in common.</summary>
    public static string KeyOf(string text) => TextKey.From(TextCleaning.Clean(text));

    /// <summary>Why the row of a text is not learned as it stands; <c>null</c>: it is.</summary>
    /// <param name="text">The text.</param>
    public (RejectionReason Reason, string Detail)? Find(string text) =>
        _decisions.Count == 0 || !_decisions.TryGetValue(KeyOf(text), out Decision? decision) ? null
        : decision.UnclearRule is { } rule
            ? (RejectionReason.RuleUnclear, $"answered under rule '{rule}', on which the reviewers do not agree")
        : decision.IsExcluded ? (RejectionReason.Disapproved, "a reviewer says that it is not to be learned")
        : null;

    /// <summary>Whether a reviewer has answered a text.</summary>
    public bool IsAnswered(string text) => _decisions.ContainsKey(KeyOf(text));
}

/// <summary>What was decided on a text.</summary>
/// <param name="IsExcluded">That it is not to be learned.</param>
/// <param name="UnclearRule">The rule on which the reviewers do not agree; <c>null</c>: there is none.</param>
internal sealed record Decision(bool IsExcluded, string? UnclearRule);

/// <summary>Rows without those that reviewers have taken out.</summary>
/// <param name="rows">The rows.</param>
/// <param name="reviewed">What was decided.</param>
internal sealed class ReviewedRows(RowLayout rows, ReviewedTexts reviewed) : RowLayout
{
    public override string Name => rows.Name;
    public override ColumnReading Columns => rows.Columns;
    public override TaskKind Task => rows.Task;
    public override string? TaskReason => rows.TaskReason;
    public override bool TakesAlsoText => rows.TakesAlsoText;
    public override IReadOnlyList<TaskKind> OtherTasks => rows.OtherTasks;
    public override IReadOnlyList<string> Used => rows.Used;
    public override bool HasAccidents => rows.HasAccidents;

    /// <summary>Labels are counted as without a review: one whose rows were all taken out stays known.</summary>
    public override string? LabelOf(RawRow row) => rows.LabelOf(row);

    public override RowContent Map(RawRow row, TaskKind task)
    {
        RowContent content = rows.Map(row, task);
        return content.Reason is null && WhyOut(row, content.Messages) is { } why
            ? RowContent.Refused(why.Reason, why.Detail)
            : content;
    }

    /// <summary>
    /// Why a row is not learned; <c>null</c>: it is. Looked up for its text as it came and, where private values are
    /// replaced, as it would be learned: reviewers see both. Test rows of the data's own split stay.
    /// </summary>
    public (RejectionReason Reason, string Detail)? WhyOut(RawRow row, IReadOnlyList<ChatMessage> messages)
    {
        ArgumentNullException.ThrowIfNull(row);
        ChatMessage[] questions = [.. messages.Where(m => m.Role == MessageRole.User)];
        return questions.Length == 1 && row.Split != Split.Test ? reviewed.Find(questions[0].Content) : null;
    }
}

/// <summary>Texts without answers: people give them in the review queue.</summary>
/// <param name="columns">The column of the texts.</param>
/// <param name="task">What is learned.</param>
/// <param name="reviewed">What people have said until now.</param>
internal sealed class UnlabelledTexts(ColumnReading columns, TaskKind task, ReviewedTexts reviewed) : RowLayout
{
    public override string Name => DatasetManifest.TextsAlone;
    public override ColumnReading Columns => columns;
    public override TaskKind Task => task;
    public override IReadOnlyList<string> Used => [columns.Text];
    public override bool HasAccidents => true;

    public override string? LabelOf(RawRow row) => null;

    public override RowContent Map(RawRow row, TaskKind task)
    {
        ArgumentNullException.ThrowIfNull(row);
        (string text, RowContent? noText) = TextValue.Read(
            row[columns.Text],
            columns.Text,
            RejectionReason.MissingText
        );
        if (noText is not null)
        {
            return noText;
        }

        (RejectionReason reason, string detail) =
            reviewed.Find(text)
            ?? (
                reviewed.IsAnswered(text)
                    ? (RejectionReason.Corrected, "a person has answered it; the answered text stands in its place")
                    : (RejectionReason.MissingLabel, "nobody has answered it yet; it waits in the review queue")
            );
        return RowContent.Refused(reason, detail);
    }
}
