namespace Pipeline.Contracts;

/// <summary>Titles of the stages of a run.</summary>
public static class RunStages
{
    /// <summary>The stages of work in their order, each with a title for people.</summary>
    public static IReadOnlyList<(RunStage Stage, string Title)> Titles { get; } =
    [
        (RunStage.Dataset, "build the dataset"),
        (RunStage.Load, "load the base"),
        (RunStage.EvaluateBase, "evaluate the base"),
        (RunStage.Train, "train"),
        (RunStage.EvaluateTuned, "evaluate the tuned model"),
        (RunStage.Publish, "publish"),
    ];

    /// <summary>A stage's title.</summary>
    public static string TitleOf(RunStage stage) => Titles.FirstOrDefault(s => s.Stage == stage).Title ?? stage.Name();
}
