namespace Pipeline.Datasets;

/// <summary>
/// A raw file or project.yaml that no dataset can be made of. The message is for the person who dropped it.
/// </summary>
public sealed class DatasetException : Exception
{
    public DatasetException(DatasetFaultCode code, string message)
        : base(message) => Code = code;

    public DatasetException(DatasetFaultCode code, string message, Exception inner)
        : base(message, inner) => Code = code;

    /// <summary>What kind of fault it is.</summary>
    public DatasetFaultCode Code { get; }

    /// <summary>A question that only a setting can answer.</summary>
    /// <param name="question">What is not clear, in words.</param>
    /// <param name="lines">Lines of project.yaml that answer it, to paste.</param>
    public static DatasetException NeedingSettings(string question, string lines) =>
        new(DatasetFaultCode.NeedsSettings, $"{question} Put into project.yaml:\n\n{lines}")
        {
            Question = question,
            Lines = lines,
        };

    /// <summary>What a setting must answer; <c>null</c>: nothing.</summary>
    public string? Question { get; private init; }

    /// <summary>Lines of project.yaml that answer the question; <c>null</c>: it is none.</summary>
    public string? Lines { get; private init; }
}

/// <summary>Kinds of faults for which no dataset can be made.</summary>
public enum DatasetFaultCode
{
    /// <summary>The file holds no rows.</summary>
    EmptyFile,

    /// <summary>The file is of a format that is not read.</summary>
    BinaryFile,

    /// <summary>A column is missing, or cannot be told.</summary>
    NoColumn,

    /// <summary>All rows have the same label.</summary>
    OneLabel,

    /// <summary>Too few rows are left to train and to test on.</summary>
    NothingAccepted,

    /// <summary>project.yaml is wrong.</summary>
    InvalidSettings,

    /// <summary>The file is damaged or missing.</summary>
    UnreadableFile,

    /// <summary>The audit found what would spoil the training.</summary>
    AuditFailed,

    /// <summary>The data can be read in several ways; a setting must say in which.</summary>
    NeedsSettings,
}
