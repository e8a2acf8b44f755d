namespace Pipeline.Contracts;

/// <summary>The stages of a run, by the names that its row and its worker's progress have, with their titles.</summary>
public static class RunStages
{
    public const string Dataset = "dataset";
    public const string Load = "load";
    public const string EvaluateBase = "evaluate-base";
    public const string Train = "train";
    public const string EvaluateTuned = "evaluate-tuned";
    public const string Publish = "publish";

    /// <summary>Of a run that is published; no stage of work.</summary>
    public const string Done = "done";

    /// <summary>The stages of work in their order, each with a title for people.</summary>
    public static IReadOnlyList<(string Name, string Title)> Titles { get; } =
    [
        (Dataset, "build the dataset"),
        (Load, "load the base"),
        (EvaluateBase, "evaluate the base"),
        (Train, "train"),
        (EvaluateTuned, "evaluate the tuned model"),
        (Publish, "publish"),
    ];

    /// <summary>A stage's title; a name that is not known is its own.</summary>
    public static string TitleOf(string name) => Titles.FirstOrDefault(s => s.Name == name).Title ?? name;
}
