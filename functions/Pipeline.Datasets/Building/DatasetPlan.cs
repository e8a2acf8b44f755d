using System.Text.Json.Serialization;
using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Rows;
using Pipeline.Datasets.Validation;

namespace Pipeline.Datasets.Building;

/// <summary>
/// What must be known of all rows before any row can be validated independently; made in one pass over the rows. With
/// it the parts can be validated anywhere, in any order.
/// </summary>
public sealed record DatasetPlan
{
    public required string DatasetId { get; init; }

    /// <summary>The settings as project.yaml has them; the task as recognised is <see cref="Task"/>.</summary>
    public required ProjectSettings Settings { get; init; }

    /// <summary>Ids of rows that were withdrawn.</summary>
    public required IReadOnlyList<string> Without { get; init; }
    public required TaskKind Task { get; init; }

    /// <summary>The task of the guard set's rows; <c>null</c>: there is no guard set.</summary>
    public TaskKind? GuardTask { get; init; }

    /// <summary>The spellings of labels and what they mean; <c>null</c> for tasks without labels.</summary>
    public IReadOnlyDictionary<string, string>? Spellings { get; init; }

    /// <summary>Whether project.yaml defines the labels. Its stored name is that of earlier versions.</summary>
    [JsonPropertyName("spellingsAreSaid")]
    public bool HasLabelDefinitions { get; init; }

    /// <summary>The system prompt of rows that have none of their own.</summary>
    public string? SystemPrompt { get; init; }

    /// <summary>Name of the uploaded file's layout.</summary>
    public required string Layout { get; init; }

    /// <summary>Its columns.</summary>
    public required ColumnReading Columns { get; init; }

    /// <summary>Whether the data has a split of its own that is kept.</summary>
    public bool HasOwnSplit { get; init; }

    /// <summary>Shingles too frequent to indicate near duplicates.</summary>
    public required IReadOnlyList<ulong> CommonShingles { get; init; }

    /// <summary>The parts, in the order in which their rows are merged: of duplicates the first is kept.</summary>
    public required IReadOnlyList<DatasetPart> Parts { get; init; }

    /// <summary>Remarks on the reading, for who uploaded the file.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    /// <summary>The files, in the order given, the test set last.</summary>
    public required IReadOnlyList<SourceFile> Sources { get; init; }

    /// <summary>By what the rows of a part are validated: those of a guard set may be of another task.</summary>
    internal DatasetPlan For(DatasetPart part) =>
        part.IsGuard && GuardTask is { } task && task != Task
            ? this with
            {
                Task = task,
                Spellings = null,
                SystemPrompt = null,
            }
            : this;

    /// <summary>The labels with their spellings; <c>null</c> for tasks without labels.</summary>
    internal LabelSet? Labels() => Spellings is null ? null : LabelSet.From(Spellings, HasLabelDefinitions);
}

/// <summary>A file, or a contiguous range of its rows.</summary>
/// <param name="InputIndex">The file's index in <see cref="DatasetInputs.All"/>, which has the guard set and the test
/// set first.</param>
/// <param name="IsTest">Whether its rows are test rows.</param>
/// <param name="Range">The rows; <c>null</c>: the file cannot be divided, and is read as a whole.</param>
public sealed record DatasetPart([property: JsonPropertyName("input")] int InputIndex, bool IsTest, RowRange? Range)
{
    /// <summary>Which corrections its rows are; <c>null</c>: they are data.</summary>
    public CorrectionKind? Correction { get; init; }

    /// <summary>Whether its rows are those of the guard set.</summary>
    public bool IsGuard { get; init; }
}

/// <summary>Who vouches for people's corrections.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<CorrectionKind>))]
public enum CorrectionKind
{
    /// <summary>A reviewer with a key: they stand in the place of what the data says.</summary>
    [JsonStringEnumMemberName("named")]
    Named,

    /// <summary>Nobody with a key: they are only learned from, where the data does not say otherwise.</summary>
    [JsonStringEnumMemberName("unnamed")]
    Unnamed,
}
