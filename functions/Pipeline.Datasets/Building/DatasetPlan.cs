using System.Text.Json.Serialization;
using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Rows;
using Pipeline.Datasets.Validation;

namespace Pipeline.Datasets.Building;

/// <summary>
/// What must be known of all rows before any can be validated by itself; made in one reading. With it the parts can be
/// validated anywhere, in any order.
/// </summary>
public sealed record DatasetPlan
{
    public required string DatasetId { get; init; }

    /// <summary>The settings that the dataset is made with.</summary>
    public required ProjectSettings Settings { get; init; }

    /// <summary>Rows that were withdrawn.</summary>
    public required IReadOnlyList<string> Without { get; init; }
    public required string Task { get; init; }

    /// <summary>The spellings of labels and what they mean; <c>null</c> for tasks without labels.</summary>
    public IReadOnlyDictionary<string, string>? Spellings { get; init; }

    /// <summary>Whether project.yaml gave them.</summary>
    [JsonPropertyName("spellingsAreSaid")]
    public bool HasLabelDefinitions { get; init; }

    /// <summary>The system prompt of rows that have none of their own.</summary>
    public string? SystemPrompt { get; init; }

    /// <summary>The form of the dropped file and its columns.</summary>
    public required string Layout { get; init; }
    public required ColumnReading Columns { get; init; }

    /// <summary>Shingles that tell nothing of a pair of texts.</summary>
    public required IReadOnlyList<ulong> CommonShingles { get; init; }

    /// <summary>What to read, in the order in which rows are validated.</summary>
    public required IReadOnlyList<DatasetPart> Parts { get; init; }

    /// <summary>What was noticed while reading.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    /// <summary>The files, in the order given.</summary>
    public required IReadOnlyList<SourceFile> Sources { get; init; }

    /// <summary>The labels with their spellings; <c>null</c> for tasks without labels.</summary>
    internal LabelSet? Labels() => Spellings is null ? null : LabelSet.From(Spellings, HasLabelDefinitions);
}

/// <summary>A file, or rows of it that stand one behind the other.</summary>
/// <param name="Input">The file's index among the inputs.</param>
/// <param name="IsTest">Whether it is the test set.</param>
/// <param name="Range">The rows; <c>null</c>: all.</param>
public sealed record DatasetPart(int Input, bool IsTest, RowRange? Range);
