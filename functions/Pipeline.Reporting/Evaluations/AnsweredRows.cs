using Pipeline.Contracts;

namespace Pipeline.Reporting.Evaluations;

/// <summary>Held-out rows and what both models answered.</summary>
/// <param name="Test">The rows.</param>
/// <param name="Base">The base's answers, one a row, in order.</param>
/// <param name="Tuned">The tuned model's answers, one a row, in order.</param>
public sealed record AnsweredRows(
    IReadOnlyList<Example> Test,
    IReadOnlyList<ModelAnswer> Base,
    IReadOnlyList<ModelAnswer> Tuned
);
