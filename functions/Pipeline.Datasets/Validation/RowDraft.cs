using Pipeline.Contracts;
using Pipeline.Datasets.Auditing;
using Pipeline.Datasets.Ingestion.Layouts;
using Pipeline.Datasets.Ingestion.Rows;
using Pipeline.Tokenization;

namespace Pipeline.Datasets.Validation;

/// <summary>A row on its way from what was read to an example; each check completes it or rejects it.</summary>
/// <param name="row">As it was read.</param>
/// <param name="layout">Of its file.</param>
internal sealed class RowDraft(RawRow row, RowLayout layout)
{
    public RawRow Row { get; } = row;
    public RowLayout Layout { get; } = layout;

    /// <summary>The messages, the answer last; empty until the layout has been read.</summary>
    public List<ChatMessage> Messages { get; set; } = [];

    /// <summary>The answer, or the one plain text.</summary>
    public string Answer
    {
        get => Messages[^1].Content;
        set => Messages[^1] = Messages[^1] with { Content = value };
    }

    /// <summary>Values that were replaced for privacy, by type; <c>null</c>: nothing was looked for.</summary>
    public IReadOnlyDictionary<string, int>? Replaced { get; set; }

    /// <summary>The tokens that training will see.</summary>
    public EncodedChat? Chat { get; set; }

    /// <summary>The example; <c>null</c> until every check has passed.</summary>
    public Example? Example { get; set; }

    /// <summary>The example's tokens.</summary>
    public RowMeasure Measure { get; set; }
}

/// <summary>Why a row is rejected.</summary>
/// <param name="Reason">A code of <see cref="RejectionReason"/>.</param>
/// <param name="Detail">The reason in words, with the fix.</param>
internal sealed record Rejection(RejectionReason Reason, string Detail);

/// <summary>One check of a row; it may complete the draft for those after it.</summary>
internal interface IRowCheck
{
    /// <summary>Checks a row.</summary>
    /// <returns>Why it is rejected; <c>null</c>: it passes.</returns>
    Rejection? Check(RowDraft draft);
}
