using Pipeline.Contracts;

namespace Pipeline.Reporting.Tasks;

/// <summary>The scoring of each task.</summary>
public static class TaskScoring
{
    /// <summary>The scoring of a task by its name in project.yaml.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such task.</exception>
    public static ITaskScoring For(string task, IReadOnlyList<string> labels) =>
        task switch
        {
            ProjectSettings.ClassificationTask => new ClassificationScoring(labels),
            ProjectSettings.ExtractionTask => new ExtractionScoring(),
            ProjectSettings.DeidentificationTask => new DeidentificationScoring(),
            ProjectSettings.InstructionTask or ProjectSettings.ChatTask => new FreeTextScoring(),
            ProjectSettings.TextTask => new PlainTextScoring(),
            _ => throw new ArgumentOutOfRangeException(
                nameof(task),
                task,
                $"Use one of {string.Join(", ", ProjectSettings.Tasks)}."
            ),
        };
}
