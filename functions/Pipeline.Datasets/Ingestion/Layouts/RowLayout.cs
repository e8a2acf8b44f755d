using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Ingestion.Layouts;

/// <summary>The form in which a file's rows say what is asked and what is right.</summary>
public abstract class RowLayout
{
    /// <summary>The form's name, for people: <c>text and label</c>, <c>alpaca</c>, …</summary>
    public abstract string Name { get; }

    /// <summary>The columns that were used.</summary>
    public abstract ColumnReading Columns { get; }

    /// <summary>The task that the form is made for.</summary>
    public abstract TaskKind Task { get; }

    /// <summary>Why its rows are taken for that task, in words; <c>null</c>: the form says it.</summary>
    public virtual string? TaskReason => null;

    /// <summary>Whether further columns of the question can be named (<c>columns.alsoText</c>).</summary>
    public virtual bool TakesAlsoText => false;

    /// <summary>Other tasks for which its rows will do.</summary>
    public virtual IReadOnlyList<TaskKind> OtherTasks => [];

    /// <summary>The columns that it reads, or may read.</summary>
    public virtual IReadOnlyList<string> Used => [Columns.Text, Columns.Label];

    /// <summary>
    /// Whether its texts come from tables of short texts, where HTML entities and literal <c>\u</c> escapes are
    /// accidents; code and JSON in dialogues are not touched.
    /// </summary>
    public virtual bool HasAccidents => false;

    /// <summary>The spelling of a row's label; <c>null</c>: it has none that can be learned.</summary>
    public virtual string? LabelOf(RawRow row)
    {
        RowContent content = Map(row, TaskKind.Classification);
        return content.Reason is null ? content.Messages[^1].Content : null;
    }

    /// <summary>What a row says.</summary>
    /// <param name="row">A row without a fault.</param>
    /// <param name="task">The project's task.</param>
    public abstract RowContent Map(RawRow row, TaskKind task);
}
