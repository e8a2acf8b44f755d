using System.Globalization;
using Pipeline.Contracts;

namespace Pipeline.Registry.Feedback;

/// <summary>What a person sent, checked and given its id.</summary>
public static class FeedbackVerdict
{
    /// <summary>Characters of a text or answer.</summary>
    public const int LongestText = 32_768;

    private const int LongestName = 200;
    private const int LongestComment = 2_000;
    private const int MaxRanked = 10;
    private const int LabelsListed = 20;
    private const int LabelShown = 100;
    private const int LongestLine = 256 << 10;

    /// <summary>Checks a verdict.</summary>
    /// <param name="received">As it came; its id and project are set here.</param>
    /// <param name="project">The project of the call.</param>
    /// <param name="labels">Spellings of the labels that the project knows, whatever their case, and what they mean;
    /// empty: any answer will do.</param>
    /// <returns>The verdict to keep, or every fault in one message.</returns>
    public static (FeedbackRecord? Verdict, string? Fault) Check(
        FeedbackRecord received,
        string project,
        IReadOnlyDictionary<string, string> labels
    )
    {
        ArgumentNullException.ThrowIfNull(received);
        ArgumentNullException.ThrowIfNull(labels);
        List<string> faults = [.. FaultsOf(received), .. FaultsOfRanking(received)];
        FeedbackRecord verdict = received with
        {
            Project = project,
            Correction = Canonical(received.Correction, labels),
            Answer = Canonical(received.Answer, labels),
        };
        foreach (
            string unknown in ((string?[])[verdict.Correction, verdict.Score > 0 ? verdict.Answer : null])
                .OfType<string>()
                .Where(a => labels.Count > 0 && !labels.ContainsKey(a))
        )
        {
            string[] names = [.. labels.Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
            string others = names.Length > LabelsListed ? $", … ({names.Length} in all)" : "";
            faults.Add(
                $"'{Shortened(unknown)}' is no label of '{project}': "
                    + $"{string.Join(", ", names.Take(LabelsListed))}{others}; "
                    + "a new one is added under labels in project.yaml"
            );
        }

        if (ContractJson.WriteUtf8(verdict).Length > LongestLine)
        {
            faults.Add($"the verdict takes more than {LongestLine / 1024} KiB in all");
        }

        return faults.Count > 0
            ? (null, string.Join("; ", faults))
            : (verdict with { Id = IdOf(verdict, project) }, null);
    }

    /// <summary>Whether a verdict can become a training row, or keep one out.</summary>
    public static bool Teaches(FeedbackRecord verdict)
    {
        ArgumentNullException.ThrowIfNull(verdict);
        return !string.IsNullOrWhiteSpace(verdict.Text)
            && (verdict.Excludes || !string.IsNullOrWhiteSpace(verdict.Correction));
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

        if (received.Excludes && !received.HasKey)
        {
            yield return "'exclude' needs a reviewer's key";
        }

        if (received.Excludes && (received.Correction is not null || string.IsNullOrWhiteSpace(received.Text)))
        {
            yield return "'exclude' needs a 'text' and takes no 'correction'";
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

    /// <summary>A label as the project writes it; <c>null</c>: nothing was given.</summary>
    private static string? Canonical(string? answer, IReadOnlyDictionary<string, string> labels) =>
        answer?.Trim() is not { Length: > 0 } given ? null : labels.GetValueOrDefault(given, given);

    private static string Shortened(string text) => text.Length <= LabelShown ? text : text[..LabelShown] + "…";

    /// <summary>The same verdict of the same reviewer has the same id; newer members count where given.</summary>
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
                    ("rule", received.RuleHash),
                    ("excludes", received.Excludes ? "yes" : null),
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
