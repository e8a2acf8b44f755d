using Pipeline.Contracts;

namespace Pipeline.Registry.Feedback;

/// <summary>What a person sent, checked and given its id.</summary>
public static class FeedbackVerdict
{
    private const int LongestText = 32_768;
    private const int LongestName = 200;

    /// <summary>Checks a verdict.</summary>
    /// <param name="received">As it came; its id and project are set here.</param>
    /// <param name="project">The project of the call.</param>
    /// <returns>The verdict to keep, or every fault in one message.</returns>
    public static (FeedbackRecord? Verdict, string? Fault) Check(FeedbackRecord received, string project)
    {
        ArgumentNullException.ThrowIfNull(received);
        var faults = new List<string>();
        if (string.IsNullOrWhiteSpace(received.Text) && string.IsNullOrWhiteSpace(received.RunId))
        {
            faults.Add("give 'text', the text that was answered, or 'runId'");
        }

        if (received.Score is < -1 or > 1)
        {
            faults.Add($"'score' is {received.Score}; use -1, 0 or 1");
        }

        if (received.Correction is not null && string.IsNullOrWhiteSpace(received.Text))
        {
            faults.Add("a 'correction' needs the 'text' that it corrects");
        }

        if ((received.Text?.Length ?? 0) > LongestText || (received.Correction?.Length ?? 0) > LongestText)
        {
            faults.Add($"'text' and 'correction' may have {LongestText} characters each");
        }

        if ((received.Reviewer?.Length ?? 0) > LongestName)
        {
            faults.Add($"'reviewer' may have {LongestName} characters");
        }

        return faults.Count > 0
            ? (null, string.Join("; ", faults))
            : (
                received with
                {
                    Project = project,
                    Id = ContentHash.ShortOf([
                        project,
                        received.Text ?? "",
                        received.RunId ?? "",
                        received.AdapterVersion ?? "",
                        received.Score.ToString(System.Globalization.CultureInfo.InvariantCulture),
                        received.Correction ?? "",
                        .. received.Reviewer is { } reviewer ? (string[])[reviewer] : [], // one opinion a reviewer
                    ]),
                },
                null
            );
    }

    /// <summary>Whether a verdict can become a training row.</summary>
    public static bool Teaches(FeedbackRecord verdict)
    {
        ArgumentNullException.ThrowIfNull(verdict);
        return !string.IsNullOrWhiteSpace(verdict.Text) && !string.IsNullOrWhiteSpace(verdict.Correction);
    }
}
