namespace Pipeline.Contracts;

/// <summary>The reason codes in <c>rejected.jsonl</c> and the manifest. A code is never renamed.</summary>
public static class RejectionReason
{
    /// <summary>The text column is empty.</summary>
    public const string MissingText = "missing_text";

    /// <summary>The label column is empty.</summary>
    public const string MissingLabel = "missing_label";

    /// <summary>The label is neither in the code book nor an alias of one that is.</summary>
    public const string UnknownLabel = "unknown_label";

    /// <summary>The row has more than one label; one is learned.</summary>
    public const string SeveralLabels = "several_labels";

    /// <summary>Nothing of the row is to be learned: every answer is marked as context.</summary>
    public const string NothingToLearn = "nothing_to_learn";

    /// <summary>
    /// The answer is not of the form that the task learns: for extraction a JSON object that names no key twice.
    /// </summary>
    public const string InvalidAnswer = "invalid_answer";

    /// <summary>The row does not fit into <c>validation.maxTokens</c>; it is never cut.</summary>
    public const string TooLong = "too_long";

    /// <summary>The row cannot be read: columns missing or too many, broken JSON.</summary>
    public const string Malformed = "malformed";

    /// <summary>Bytes that are not UTF-8.</summary>
    public const string InvalidText = "invalid_text";

    /// <summary>The same text stands elsewhere with another label.</summary>
    public const string ConflictingLabel = "conflicting_label";

    /// <summary>Nearly the same text stands in the test set, or elsewhere where near-duplicates are dropped.</summary>
    public const string NearDuplicate = "near_duplicate";

    /// <summary>The generator and the check of a synthetic row do not agree on its label; a person decides.</summary>
    public const string LabelDisputed = "label_disputed";

    /// <summary>The row was withdrawn; nothing of its content is kept.</summary>
    public const string Withdrawn = "withdrawn";

    /// <summary>A person marked the answer as one that is not to be learned.</summary>
    public const string Disapproved = "disapproved";

    /// <summary>The same text with the same label stands elsewhere.</summary>
    public const string Duplicate = "duplicate";

    /// <summary>What a person can do about rows of a reason.</summary>
    public static string Advice(string reason) =>
        reason switch
        {
            MissingText => "Fill the text in, or leave the row away.",
            MissingLabel => "Give the row its label or answer.",
            UnknownLabel => "Correct the label, or add it, or its spelling as an alias, under labels in project.yaml.",
            SeveralLabels => "Decide on one label, or make a row of each.",
            NothingToLearn => "Nothing: every answer of it is marked as context.",
            InvalidAnswer =>
                "Write the answer as a JSON object that names no key twice, or name another task in project.yaml.",
            TooLong => "Shorten or divide the text, or raise validation.maxTokens as far as the base reads.",
            Malformed => "Mend the row: its columns, its quotes, its JSON.",
            InvalidText =>
                "Export the source again as UTF-8; where the detail names the tokenizer, replace the unusual characters.",
            ConflictingLabel => "Decide which of the two rows is right, and change the other.",
            NearDuplicate => "Nothing, unless the row that it repeats is wrong.",
            LabelDisputed => "Decide on the label, and drop the row again with it.",
            Withdrawn => "Nothing: it was withdrawn.",
            Disapproved => "Nothing: a person said that it is not to be learned.",
            Duplicate => "Nothing: the row stands elsewhere already.",
            _ => "See the detail.",
        };
}
