using Pipeline.Model.Llama;

namespace Pipeline.Evaluation.Scoring;

/// <summary>Answers of a model that is computed here, by torch or by our own kernels.</summary>
/// <param name="model">With or without its adapter.</param>
public sealed class TorchAnswers(ICausalModel model) : IAnswerModel
{
    /// <inheritdoc/>
    public IReadOnlyList<IReadOnlyList<double>> ScoreLabels(
        IReadOnlyList<IReadOnlyList<int>> prompts,
        IReadOnlyList<IReadOnlyList<int>> answers,
        Action<int>? onRows,
        CancellationToken cancellation
    ) => LabelLikelihood.Score(model, prompts, new AnswerTree(answers), onRows, cancellation);

    /// <inheritdoc/>
    public IReadOnlyList<double> ScoreAnswers(
        IReadOnlyList<(IReadOnlyList<int> Prompt, IReadOnlyList<int> Answer)> rows,
        Action<int>? onRows,
        CancellationToken cancellation
    ) => AnswerLikelihood.Score(model, rows, onRows, cancellation);

    /// <inheritdoc/>
    public IReadOnlyList<(IReadOnlyList<int> Ids, bool Stopped)> Write(
        IReadOnlyList<IReadOnlyList<int>> prompts,
        int mostTokens,
        IReadOnlyList<int> stopIds,
        CancellationToken cancellation
    ) => AnswerGenerator.Continue(model, prompts, mostTokens, stopIds, cancellation: cancellation);
}
