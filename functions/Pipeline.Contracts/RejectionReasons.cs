namespace Pipeline.Contracts;

/// <summary>What follows from a reason.</summary>
public static class RejectionReasons
{
    /// <summary>What a person can do about rows of a reason.</summary>
    public static string Advice(RejectionReason reason) =>
        reason switch
        {
            RejectionReason.MissingText => "Fill the text in, or leave the row away.",
            RejectionReason.MissingLabel => "Give the row its label or answer.",
            RejectionReason.UnknownLabel =>
                "Correct the label, or add it, or its spelling as an alias, under labels in project.yaml.",
            RejectionReason.SeveralLabels => "Decide on one label, or make a row of each.",
            RejectionReason.NothingToLearn => "Nothing: every answer of it is marked as context.",
            RejectionReason.InvalidAnswer =>
                "Write the answer as a JSON object that names no key twice, or name another task in project.yaml.",
            RejectionReason.TooLong =>
                "Shorten or divide the text, or raise validation.maxTokens as far as the base reads.",
            RejectionReason.Malformed => "Mend the row: its columns, its quotes, its JSON.",
            RejectionReason.InvalidText =>
                "Export the source again as UTF-8; where the detail names the tokenizer, replace the unusual "
                    + "characters.",
            RejectionReason.ConflictingLabel => "Decide which of the two rows is right, and change the other.",
            RejectionReason.Corrected => "Nothing: a person's correction stands in its place.",
            RejectionReason.NearDuplicate => "Nothing, unless the row that it repeats is wrong.",
            RejectionReason.LabelDisputed => "Decide on the label, and drop the row again with it.",
            RejectionReason.Withdrawn => "Nothing: it was withdrawn.",
            RejectionReason.Disapproved => "Nothing: a person said that it is not to be learned.",
            RejectionReason.Duplicate => "Nothing: the row stands elsewhere already.",
            RejectionReason.RuleUnclear =>
                "Say in the code book what the rule means, and answer its texts anew in the review queue.",
            _ => "See the detail.",
        };
}
