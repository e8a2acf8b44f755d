using System.Globalization;
using System.Text;
using Pipeline.Contracts;

namespace Pipeline.Reporting.Pages;

/// <summary>
/// The page of a dataset: how every row ended, what the checks found, and a picture each of lengths and labels.
/// </summary>
public static class AuditPage
{
    private const string Style =
        ".red{color:#b3261e;font-weight:600}.warning{color:#8a5a00}"
        + ".bar td:last-child{min-width:16rem;"
        + "background:linear-gradient(#3b7dd8,#3b7dd8) no-repeat left center/var(--share) 60%}"
        + ".first td{border-top:2px solid currentColor}";

    /// <summary>Writes the page; one file, no script, every text escaped.</summary>
    /// <param name="manifest">The dataset's.</param>
    /// <param name="audit">What its checks found.</param>
    /// <param name="forecast">What needs no language model reaches; <c>null</c>: it is not known.</param>
    public static string Write(DatasetManifest manifest, DatasetAudit audit, BaselineForecast? forecast = null)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        ArgumentNullException.ThrowIfNull(audit);
        StringBuilder page = HtmlPage.Begin($"Dataset {manifest.DatasetId}", Style);
        AppendRows(page, manifest, audit);
        if (forecast is not null)
        {
            page.Append(CultureInfo.InvariantCulture, $"<p>{HtmlPage.Escape(EvaluationVerdict.Text(forecast))}</p>");
        }

        AppendChecks(page, audit);
        AppendTokens(page, audit);
        Bars(
            page,
            "Rows by length, in tokens",
            audit.Lengths.Select(l => ($"{l.From} to {l.To}", (long)l.Rows)),
            sort: false
        );
        Bars(
            page,
            $"Languages of {audit.Languages.Sampled} rows, looked at by Lingua",
            audit.Languages.Texts.Select(l => (l.Key, (long)l.Value))
        );
        Bars(page, "Training rows by label", audit.Labels.Select(l => (l.Key, (long)l.Value.Rows)));
        Bars(page, "Rejected rows by reason", manifest.Reasons.Select(r => (r.Key, (long)r.Value)));
        Conflicts(page, manifest.NearDuplicates.Conflicting, audit.Conflicts);
        return HtmlPage.End(page);
    }

    /// <summary>The result, how every row ended, and what was done to the texts.</summary>
    private static void AppendRows(StringBuilder page, DatasetManifest manifest, DatasetAudit audit)
    {
        RowCounts rows = manifest.Rows;
        page.Append(
            CultureInfo.InvariantCulture,
            $"<h1>Dataset {HtmlPage.Escape(manifest.DatasetId)}</h1>"
                + $"<p class=\"{(audit.Passed() ? "" : "red")}\">{HtmlPage.Escape(Verdict(audit))}</p>"
        );
        page.Append(
            CultureInfo.InvariantCulture,
            $"<p>{rows.Read} rows read as {HtmlPage.Escape(manifest.Layout)} = {rows.Accepted} accepted + "
                + $"{rows.Rejected} rejected + {rows.Duplicates} duplicates. Task "
                + $"{HtmlPage.Escape(manifest.Task.Name())}, "
                + $"base {HtmlPage.Escape(manifest.Base)}, template {HtmlPage.Escape(manifest.Template)}.</p>"
        );
        foreach (string note in manifest.Notes)
        {
            page.Append(CultureInfo.InvariantCulture, $"<p>{HtmlPage.Escape(note)}</p>");
        }

        foreach (SynthesisSummary made in manifest.Synthesis)
        {
            page.Append(CultureInfo.InvariantCulture, $"<p>{HtmlPage.Escape(Describe(made))}</p>");
        }

        if (manifest.Replaced.Count > 0)
        {
            string replaced = string.Join(", ", manifest.Replaced.Select(r => $"{r.Key} {r.Value}"));
            page.Append(
                CultureInfo.InvariantCulture,
                $"<p>Replaced ({HtmlPage.Escape(manifest.Settings.Privacy.Mode.Name())}): {HtmlPage.Escape(replaced)}. "
                    + $"What is not found stays; measure-privacy says how much that is on annotated texts.</p>"
            );
        }
    }

    private static void AppendChecks(StringBuilder page, DatasetAudit audit)
    {
        page.Append("<h2>Checks</h2><table><tr><th></th><th>found</th><th></th><th>what to do</th></tr>");
        foreach (AuditCheck check in audit.Checks)
        {
            page.Append(
                CultureInfo.InvariantCulture,
                $"<tr class=\"{check.Level.Name()}\"><th>{HtmlPage.Escape(check.Name)}</th><td>{check.Value}</td>"
                    + $"<td>{HtmlPage.Escape(check.Detail)}</td><td>{HtmlPage.Escape(check.Fix)}</td></tr>"
            );
        }

        page.Append("</table>");
    }

    /// <summary>Tokens by split, and what training on them takes.</summary>
    private static void AppendTokens(StringBuilder page, DatasetAudit audit)
    {
        page.Append(
            "<h2>Tokens</h2><table><tr><th></th><th>rows</th><th>tokens</th><th>supervised</th><th>median</th>"
                + "<th>95 %</th><th>longest</th></tr>"
        );
        foreach ((string split, TokenCounts counts) in audit.Splits)
        {
            page.Append(
                CultureInfo.InvariantCulture,
                $"<tr><th>{split}</th><td>{counts.Rows}</td><td>{counts.Tokens}</td><td>{counts.Supervised}</td>"
                    + $"<td>{counts.Median}</td><td>{counts.P95}</td><td>{counts.Longest}</td></tr>"
            );
        }

        page.Append(
            CultureInfo.InvariantCulture,
            $"</table><p>Training goes through {audit.TrainingTokens} tokens in {audit.Steps} steps{Duration(audit)}."
                + $"{Memory(audit)}</p>"
        );
    }

    private static string Duration(DatasetAudit audit)
    {
        if (audit.Minutes is not { } minutes)
        {
            return "; with machine.tokensPerSecond in project.yaml the minutes stand here";
        }

        string money = audit.Cost is { } cost
            ? string.Create(CultureInfo.InvariantCulture, $" and {cost:0.00} in money")
            : "";
        return string.Create(CultureInfo.InvariantCulture, $", about {minutes:0.#} minutes{money}");
    }

    /// <summary>What a generator made, in one sentence.</summary>
    public static string Describe(SynthesisSummary made)
    {
        ArgumentNullException.ThrowIfNull(made);
        string cost = made.Cost is { } paid
            ? string.Create(CultureInfo.InvariantCulture, $", {paid:0.00##} in money")
            : "";
        string calls = made.Calls > 0 ? $"; {made.Calls} calls, {made.TokensIn} + {made.TokensOut} tokens{cost}" : "";
        return $"Made by {made.Generator}: {made.Made} of {made.Requested} rows, {made.Learned} of them are learned "
            + $"from{calls}.";
    }

    /// <summary>The result in one sentence.</summary>
    public static string Verdict(DatasetAudit audit)
    {
        ArgumentNullException.ThrowIfNull(audit);
        AuditCheck[] red = [.. audit.Checks.Where(c => c.Level == AuditLevel.Red)];
        int warnings = audit.Checks.Count(c => c.Level == AuditLevel.Warning);
        string faults = string.Join("; ", red.Select(c => $"{c.Name}: {c.Value} ({c.Detail}). {c.Fix}"));
        return red.Length > 0 ? $"Nothing is trained on it: {faults}"
            : warnings > 0
                ? $"It can be trained on; {(warnings == 1 ? "one thing is" : $"{warnings} things are")} worth a look."
            : "It can be trained on; all checks passed.";
    }

    private static string Memory(DatasetAudit audit)
    {
        static string GiB(long bytes) => (bytes / (double)(1L << 30)).ToString("0.0", CultureInfo.InvariantCulture);
        if (audit.Memory is not { } memory)
        {
            return "";
        }

        string modes = string.Join(
            ", ",
            audit.GpuMemory.Select(m => $"{GiB(m.Value)} GiB with training.activationCheckpointing {m.Key}")
        );
        return $" On the CPU it takes about {GiB(memory.TotalBytes)} GiB: while training the base "
            + $"{GiB(memory.WeightBytes)}, what is trained {GiB(memory.TrainedBytes)}, the largest batch "
            + $"{GiB(memory.ActivationBytes)}, the rest {GiB(memory.WorkBytes)}; {GiB(memory.AskingBytes)} in all "
            + "while the held-out rows are evaluated."
            + (audit.GpuMemory.Count == 0 ? "" : $" On a GPU it takes {modes}.");
    }

    private static void Conflicts(StringBuilder page, int all, IReadOnlyList<LabelConflict> conflicts)
    {
        if (conflicts.Count == 0)
        {
            return;
        }

        page.Append(
            CultureInfo.InvariantCulture,
            $"<h2>Nearly the same texts with different labels</h2><p>{all} groups; "
                + $"{(all > conflicts.Count ? $"the first {conflicts.Count} are shown, " : "")}"
                + $"{BlobLayout.ConflictsFile} lists every row of them. They stay in the dataset: decide which label "
                + $"is right, and correct the source.</p><table><tr><th>row</th><th>label</th><th>text</th></tr>"
        );
        foreach (LabelConflict conflict in conflicts)
        {
            foreach ((int place, ConflictingRow row) in conflict.Texts.Index())
            {
                page.Append(
                    CultureInfo.InvariantCulture,
                    $"<tr{(place == 0 ? " class=\"first\"" : "")}><td>{HtmlPage.Escape(row.Id)}</td>"
                        + $"<td>{HtmlPage.Escape(row.Label)}</td><td>{HtmlPage.Escape(row.Text)}</td></tr>"
                );
            }
        }

        page.Append("</table>");
    }

    private static void Bars(
        StringBuilder page,
        string title,
        IEnumerable<(string Name, long Count)> bars,
        bool sort = true
    )
    {
        const int MaxBars = 60;
        List<(string Name, long Count)> sorted = sort
            ? [.. bars.OrderByDescending(b => b.Count).ThenBy(b => b.Name, StringComparer.Ordinal)]
            : [.. bars];
        if (sorted.Count == 0)
        {
            return;
        }

        long most = Math.Max(1, sorted.Max(b => b.Count));
        page.Append(CultureInfo.InvariantCulture, $"<h2>{title}</h2><table class=\"bar\">");
        foreach ((string name, long count) in sorted.Take(MaxBars))
        {
            page.Append(
                CultureInfo.InvariantCulture,
                $"<tr><th>{HtmlPage.Escape(name)}</th><td>{count}</td>"
                    + $"<td style=\"--share:{100 * count / most}%\"></td></tr>"
            );
        }

        page.Append("</table>");
    }
}
