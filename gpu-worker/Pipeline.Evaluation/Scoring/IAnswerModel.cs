namespace Pipeline.Evaluation.Scoring;

/// <summary>What an evaluation asks of a model, wherever and by whatever it is computed.</summary>
public interface IAnswerModel
{
    /// <summary>The log-likelihood of every answer after every prompt.</summary>
    /// <param name="prompts">Token ids of each prompt.</param>
    /// <param name="answers">Token ids of each answer, the end token last.</param>
    /// <param name="onRows">Called with the number of prompts done.</param>
    /// <param name="cancellation">Ends the work between batches.</param>
    /// <returns>For each prompt, in order, the summed natural-log likelihood of each answer's tokens.</returns>
    IReadOnlyList<IReadOnlyList<double>> ScoreLabels(
        IReadOnlyList<IReadOnlyList<int>> prompts,
        IReadOnlyList<IReadOnlyList<int>> answers,
        Action<int>? onRows,
        CancellationToken cancellation
    );

    /// <summary>The log-likelihood of each row's own answer.</summary>
    /// <param name="rows">Token ids of prompt and answer, the end token last.</param>
    /// <param name="onRows">Called with the number of rows done.</param>
    /// <param name="cancellation">Ends the work between batches.</param>
    /// <returns>For each row, in order, the summed natural-log likelihood of the answer's tokens.</returns>
    IReadOnlyList<double> ScoreAnswers(
        IReadOnlyList<(IReadOnlyList<int> Prompt, IReadOnlyList<int> Answer)> rows,
        Action<int>? onRows,
        CancellationToken cancellation
    );

    /// <summary>Writes greedily after each prompt.</summary>
    /// <param name="prompts">Token ids of each prompt.</param>
    /// <param name="mostTokens">Longest continuation.</param>
    /// <param name="stopIds">Tokens that end an answer.</param>
    /// <param name="cancellation">Ends the work between tokens.</param>
    /// <returns>For each prompt, in order, the ids written without the end token, and whether it was written.</returns>
    IReadOnlyList<(IReadOnlyList<int> Ids, bool Stopped)> Write(
        IReadOnlyList<IReadOnlyList<int>> prompts,
        int mostTokens,
        IReadOnlyList<int> stopIds,
        CancellationToken cancellation
    );
}
