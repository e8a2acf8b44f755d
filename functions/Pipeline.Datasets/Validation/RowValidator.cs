using Pipeline.Contracts;
using Pipeline.Datasets.Auditing;
using Pipeline.Datasets.Ingestion.Layouts;
using Pipeline.Datasets.Ingestion.Rows;
using Pipeline.Datasets.Privacy;
using Pipeline.Tokenization;

namespace Pipeline.Datasets.Validation;

/// <summary>What rows are validated by.</summary>
/// <param name="Task">The project's task.</param>
/// <param name="Labels">Of classification; <c>null</c>: answers are no labels.</param>
/// <param name="SystemPrompt">Of rows that have none of their own.</param>
/// <param name="MaxTokens"><c>validation.maxTokens</c>.</param>
/// <param name="Privacy">Replaces private values; <c>null</c>: they stay.</param>
/// <param name="ReviewerColumn">The column that names who checked the answer; <c>null</c>: the usual names.</param>
internal sealed record ValidationRules(
    TaskKind Task,
    LabelSet? Labels,
    string? SystemPrompt,
    int MaxTokens,
    Deidentifier? Privacy,
    string? ReviewerColumn
);

/// <summary>
/// Decides on each row by itself whether it can be learned: a list of checks, the first that rejects it gives the
/// reason. Whether another row has the same content is decided over all of them.
/// </summary>
internal sealed class RowValidator(ValidationRules rules, ChatEncoder encoder)
{
    private readonly bool _isPlainText = rules.Task == TaskKind.Text;
    private readonly IReadOnlyList<IRowCheck> _checks = Checks(rules, encoder);

    /// <summary>Validates a row.</summary>
    /// <param name="row">As it was read.</param>
    /// <param name="layout">Of its file.</param>
    public ValidatedRow Validate(RawRow row, RowLayout layout)
    {
        var draft = new RowDraft(row, layout);
        foreach (IRowCheck check in _checks)
        {
            if (check.Check(draft) is { } why)
            {
                return new ValidatedRow(
                    null,
                    "",
                    default,
                    new RejectedRow(
                        row.Id,
                        RejectionOutcome.Rejected,
                        why.Reason,
                        why.Detail,
                        null,
                        row.Place,
                        row.Fields
                    )
                );
            }
        }

        return new ValidatedRow(draft.Example, KeyOf(draft), draft.Measure, null);
    }

    private static List<IRowCheck> Checks(ValidationRules rules, ChatEncoder encoder)
    {
        bool hasLabels = rules.Labels is not null;
        List<IRowCheck> checks =
        [
            new ReadableCheck(),
            new ContentCheck(rules.Task, hasLabels),
            new LostCharacterCheck(),
        ];
        if (rules.Labels is { } labels)
        {
            checks.Add(new LabelCheck(labels));
        }

        if (rules.Task == TaskKind.Extraction)
        {
            checks.Add(new JsonAnswerCheck());
        }

        if (rules.Privacy is { } privacy)
        {
            checks.Add(new PrivacyReplacement(privacy, hasLabels));
        }

        bool isPlainText = rules.Task == TaskKind.Text;
        checks.Add(new LengthCheck(encoder, rules.MaxTokens, rules.SystemPrompt, isPlainText));
        checks.Add(new RoundTripCheck(encoder, hasLabels, rules.ReviewerColumn));
        return checks;
    }

    /// <summary>What two rows of the same question have in common; of free answers several may be right.</summary>
    private string KeyOf(RowDraft draft)
    {
        string key = string.Join(
            '\0',
            draft
                .Messages.Where(m => m.Role != MessageRole.System || m.Content != rules.SystemPrompt)
                .SkipLast(_isPlainText ? 0 : 1)
                .Select(m => TextKey.From(m.Content))
        );
        return rules.Task is TaskKind.Instruction or TaskKind.Chat ? $"{key}\0{TextKey.From(draft.Answer)}" : key;
    }
}

/// <summary>How a row ended by itself.</summary>
/// <param name="Accepted">The example; <c>null</c>: it was rejected.</param>
/// <param name="Key">What two rows of the same question have in common.</param>
/// <param name="Measure">The example's tokens.</param>
/// <param name="Rejected">Why it was rejected; <c>null</c>: it was not.</param>
internal sealed record ValidatedRow(Example? Accepted, string Key, RowMeasure Measure, RejectedRow? Rejected);
