namespace Pipeline.Reporting.Evaluations;

/// <summary>What one model answered on one held-out row.</summary>
/// <param name="Answer">The label of the highest likelihood, or the text written.</param>
/// <param name="Likelihoods">Summed natural-log likelihood of each label with its end token; of the gold answer alone
/// without labels.</param>
/// <param name="GoldLogLikelihood">The same for the gold answer.</param>
/// <param name="GoldTokens">Tokens of the gold answer, end token included.</param>
/// <param name="Text">What it wrote greedily, or <c>null</c> when not asked to.</param>
/// <param name="Stopped">Whether it wrote the end token.</param>
public sealed record ModelAnswer(
    string Answer,
    IReadOnlyList<double> Likelihoods,
    double GoldLogLikelihood,
    int GoldTokens,
    string? Text,
    bool Stopped
);
