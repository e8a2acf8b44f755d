using System.Globalization;
using Pipeline.Contracts;

namespace Pipeline.Registry.Feedback;

/// <summary>What a person sent, checked and given its id.</summary>
public static class FeedbackVerdict
{
    private const int LongestText = 32_768;
    private const int LongestName = 200;
    private const int LongestComment = 2_000;
    private const int MaxRanked = 10;
    private const int LabelsListed = 20;

    /// <summary>Checks a verdict.</summary>
    /// <param name="received">As it came; its id and project are set here.</param>
    /// <param name="project">The project of the call.</param>
    /// <param name="labels">The labels that the project knows; empty: any answer will do.</param>
    /// <returns>The verdict to keep, or every fault in one message.</returns>
    public static (FeedbackRecord? Verdict, string? Fault) Check(
        FeedbackRecord received,
        string project,
        IReadOnlyList<string> labels
    )
    {
        ArgumentNullException.ThrowIfNull(received);
        ArgumentNullException.ThrowIfNull(labels);
        List<string> faults = [.. FaultsOf(received), .. FaultsOfRanking(received)];
        if (received.Correction is { } correction && Unknown(correction, labels))
        {
            string others = labels.Count > LabelsListed ? $", … ({labels.Count} in all)" : "";
            faults.Add(
                $"'{correction.Trim()}' is no label of '{project}': {string.Join(", ", labels.Take(LabelsListed))}"
                    + $"{others}; a new one is added under labels in project.yaml"
            );
        }

        return faults.Count > 0
            ? (null, string.Join("; ", faults))
            : (received with { Project = project, Id = IdOf(received, project) }, null);
    }

    /// <summary>Whether a verdict can become a training row.</summary>
    public static bool Teaches(FeedbackRecord verdict)
    {
        ArgumentNullException.ThrowIfNull(verdict);
        return !string.IsNullOrWhiteSpace(verdict.Text) && !string.IsNullOrWhiteSpace(verdict.Correction);
    }

    private static IEnumerable<string> FaultsOf(FeedbackRecord received)
    {
        if (string.IsNullOrWhiteSpace(received.Text) && string.IsNullOrWhiteSpace(received.RunId))
        {
            yield return "give 'answerId', or 'text', the text that was answered, or 'runId'";
        }

        if (received.Score is < -1 or > 1)
        {
            yield return $"'score' is {received.Score}; use -1, 0 or 1";
        }

        if (received.Correction is not null && string.IsNullOrWhiteSpace(received.Text))
        {
            yield return "a 'correction' needs the 'text' that it corrects";
        }

        if (((string?[])[received.Text, received.Correction, received.Answer]).Any(t => t?.Length > LongestText))
        {
            yield return $"'text', 'answer' and 'correction' may have {LongestText} characters each";
        }

        if (received.Reviewer?.Length > LongestName)
        {
            yield return $"'reviewer' may have {LongestName} characters";
        }

        if (received.Comment?.Length > LongestComment)
        {
            yield return $"'comment' may have {LongestComment} characters";
        }
    }

    private static IEnumerable<string> FaultsOfRanking(FeedbackRecord received)
    {
        if (received.Ranking is not { } ranking)
        {
            yield break;
        }

        if (ranking.Count is < 2 or > MaxRanked || ranking.Any(string.IsNullOrWhiteSpace))
        {
            yield return $"'ranking' takes 2 to {MaxRanked} answers, the best first";
        }

        if (ranking.Distinct(StringComparer.Ordinal).Count() < ranking.Count)
        {
            yield return "'ranking' names an answer twice";
        }

        if (ranking.Any(a => a?.Length > LongestText))
        {
            yield return $"an answer of 'ranking' may have {LongestText} characters";
        }

        if (string.IsNullOrWhiteSpace(received.Text))
        {
            yield return "a 'ranking' needs the 'text' that was answered";
        }
    }

    private static bool Unknown(string correction, IReadOnlyList<string> labels) =>
        labels.Count > 0
        && !string.IsNullOrWhiteSpace(correction)
        && !labels.Contains(correction.Trim(), StringComparer.OrdinalIgnoreCase);

    /// <summary>The same verdict of the same reviewer has the same id; what came later are parts only where given.</summary>
    private static string IdOf(FeedbackRecord received, string project)
    {
        List<string> parts =
        [
            project,
            received.Text ?? "",
            received.RunId ?? "",
            received.AdapterVersion ?? "",
            received.Score.ToString(CultureInfo.InvariantCulture),
            received.Correction ?? "",
        ];
        if (received.Reviewer is { } reviewer)
        {
            parts.Add(reviewer);
        }

        foreach (
            (string name, string? value) in ((string, string?)[])
                [
                    ("answer", received.AnswerId ?? received.Answer),
                    ("ranking", received.Ranking is { } ranking ? ContractJson.Write(ranking) : null),
                    ("comment", received.Comment),
                    ("key", received.HasKey ? "yes" : null),
                ]
        )
        {
            if (value is not null)
            {
                parts.AddRange([name, value]);
            }
        }

        return ContentHash.ShortOf([.. parts]);
    }
}
