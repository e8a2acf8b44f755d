namespace Pipeline.Datasets;

/// <summary>
/// A raw file or project.yaml that no dataset can be made of. The message is for the person who dropped it.
/// </summary>
public sealed class DatasetException : Exception
{
    public DatasetException(string code, string message)
        : base(message) => Code = code;

    public DatasetException(string code, string message, Exception inner)
        : base(message, inner) => Code = code;

    /// <summary>A stable code such as <c>empty_file</c>.</summary>
    public string Code { get; }

    public const string EmptyFile = "empty_file";
    public const string BinaryFile = "binary_file";
    public const string NoColumn = "no_column";
    public const string OneLabel = "one_label";
    public const string NothingAccepted = "nothing_accepted";
    public const string InvalidSettings = "invalid_settings";
    public const string UnreadableFile = "unreadable_file";
    public const string AuditFailed = "audit_failed";

    /// <summary>The data can be read in several ways; a setting must say in which.</summary>
    public const string NeedsSettings = "needs_settings";

    /// <summary>A question that only a setting can answer.</summary>
    /// <param name="question">What is not clear, in words.</param>
    /// <param name="lines">Lines of project.yaml that answer it, to paste.</param>
    public static DatasetException NeedingSettings(string question, string lines) =>
        new(NeedsSettings, $"{question} Put into project.yaml:\n\n{lines}") { Question = question, Lines = lines };

    /// <summary>What a setting must answer; <c>null</c>: nothing.</summary>
    public string? Question { get; private init; }

    /// <summary>Lines of project.yaml that answer the question; <c>null</c>: it is none.</summary>
    public string? Lines { get; private init; }
}
