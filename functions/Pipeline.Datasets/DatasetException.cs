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
}
