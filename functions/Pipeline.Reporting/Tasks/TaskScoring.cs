using Pipeline.Contracts;

namespace Pipeline.Reporting.Tasks;

/// <summary>The scoring of each task.</summary>
public static class TaskScoring
{
    /// <summary>The scoring of a task by its name in project.yaml.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such task.</exception>
    public static ITaskScoring For(TaskKind task, IReadOnlyList<string> labels) =>
        task switch
        {
            TaskKind.Classification => new ClassificationScoring(labels),
            TaskKind.Extraction => new ExtractionScoring(),
            TaskKind.Deidentification => new DeidentificationScoring(),
            TaskKind.Instruction or TaskKind.Chat => new FreeTextScoring(),
            TaskKind.Text => new PlainTextScoring(),
            _ => throw new ArgumentOutOfRangeException(
                nameof(task),
                task,
                $"Use one of {string.Join(", ", EnumNames.All<TaskKind>())}."
            ),
        };
}
