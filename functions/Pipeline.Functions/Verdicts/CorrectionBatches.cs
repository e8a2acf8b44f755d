using System.Text;
using Pipeline.Contracts;
using Pipeline.Datasets.Building;
using Pipeline.Registry.Agreement;
using Pipeline.Registry.Feedback;
using Pipeline.Storage;

namespace Pipeline.Functions.Verdicts;

/// <summary>
/// The corrections of a project as rows: every dataset of it is made with those of its time, however it was started.
/// </summary>
public sealed class CorrectionBatches(PipelineStorage storage, VerdictLog log)
{
    /// <summary>
    /// What names of batches begin with; before 2026-11-30 <c>corrections-</c>, in the columns of the data.
    /// </summary>
    public const string NamePrefix = "verdicts-";

    /// <summary>Writes the corrections that count now.</summary>
    /// <returns>The batch; <c>null</c>: no correction counts.</returns>
    public async Task<CorrectionBatch?> WriteAsync(
        string project,
        ProjectSettings settings,
        CancellationToken cancellation
    )
    {
        (IReadOnlyList<(VerdictItem Item, string? UnclearRule)> items, string through) = await ItemsAsync(
            project,
            settings,
            cancellation
        );
        if (items.Count == 0)
        {
            return null;
        }

        var rows = new StringBuilder();
        foreach ((VerdictItem item, string? rule) in items)
        {
            rows.Append(Corrections.Line(item.Text, item.Answer!, item.IsNamed, item.Reviewers(), rule)).Append('\n');
        }

        byte[] bytes = Encoding.UTF8.GetBytes(rows.ToString());
        string name = $"{NamePrefix}{ContentHash.Sha256(bytes)[..12]}.jsonl";
        // Never overwritten: a dataset that is being built has pinned the ETag. The name is the content's hash.
        await storage.Files.TryWriteAsync(BlobLayout.FeedbackBatch(project, name), bytes, null, cancellation);
        await storage.Files.WriteJsonAsync(
            BlobLayout.FeedbackBatch(project, name + Through),
            new CorrectionPlace(through),
            cancellation
        );
        return new CorrectionBatch(name, items.Count, through) { Named = items.Count(IsNamedAnswer) };
    }

    /// <summary>How many texts reviewers with a key have answered that are learned.</summary>
    public async Task<int> CountAsync(string project, ProjectSettings settings, CancellationToken cancellation) =>
        (await ItemsAsync(project, settings, cancellation)).Items.Count(IsNamedAnswer);

    private static bool IsNamedAnswer((VerdictItem Item, string? UnclearRule) decided) =>
        decided is { Item: { IsNamed: true, IsExcluded: false }, UnclearRule: null };

    /// <summary>What is decided, with the rule that keeps it out; what nobody with a key excludes is no
    /// decision.</summary>
    private async Task<(IReadOnlyList<(VerdictItem Item, string? UnclearRule)> Items, string Through)> ItemsAsync(
        string project,
        ProjectSettings settings,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(settings);
        (IReadOnlyList<VerdictItem> all, string through) = await log.ReadAsync(
            project,
            ledger => (ledger.Items(settings.Feedback), ledger.Through),
            cancellation
        );
        HashSet<string> unclear =
        [
            .. ReviewerAgreement.ByRule(all, settings).Where(r => r.IsUnclear).Select(r => r.Rule),
        ];
        return (
            [
                .. all.Where(i => i.Answer is not null && (!i.IsExcluded || i.IsNamed))
                    .Select(i => (i, i.Rules.FirstOrDefault(unclear.Contains))),
            ],
            through
        );
    }

    /// <summary>The place in the log up to which a batch has its corrections; <c>null</c>: not known.</summary>
    public static async Task<string?> ThroughAsync(
        PipelineStorage storage,
        string project,
        string batch,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(storage);
        return (
            await storage.Files.ReadJsonAsync<CorrectionPlace>(
                BlobLayout.FeedbackBatch(project, batch + Through),
                cancellation
            )
        )?.Through;
    }

    /// <summary>Takes back every verdict on the texts of corrections: their rows were withdrawn.</summary>
    /// <param name="project">The project.</param>
    /// <param name="rows">Ids of rows of batches, such as <c>verdicts-0123456789ab.jsonl#3</c>; others are passed
    /// over.</param>
    /// <param name="fates">What became of the withdrawn rows: their texts.</param>
    /// <param name="cancellation">Ends the calls.</param>
    /// <returns>How many verdicts were taken back.</returns>
    public async Task<int> TakeBackAsync(
        string project,
        IEnumerable<string> rows,
        IReadOnlyList<RowFate> fates,
        CancellationToken cancellation
    )
    {
        HashSet<string> ids = await log.ReadAsync(
            project,
            ledger =>
                fates
                    .SelectMany(f => f.Texts)
                    .Where(t => !string.IsNullOrWhiteSpace(t))
                    .SelectMany(ledger.IdsOf)
                    .Concat(fates.SelectMany(f => ledger.IdsOfRow(f.Id)))
                    .ToHashSet(StringComparer.Ordinal),
            cancellation
        );
        foreach (
            string row in rows.Where(r => r.StartsWith(NamePrefix, StringComparison.Ordinal))
                .Distinct(StringComparer.Ordinal)
        )
        {
            string[] parts = row.Split('#');
            if (
                parts is not [{ } name, { } number]
                || !SafeName.TryParse(name, NameKind.File, out _)
                || !int.TryParse(number, out int line)
                || await storage.Files.ReadAsync(BlobLayout.FeedbackBatch(project, name), cancellation) is not { } bytes
                || Corrections.TextOf(Encoding.UTF8.GetString(bytes).Split('\n').ElementAtOrDefault(line - 1))
                    is not { } text
            )
            {
                continue;
            }

            ids.UnionWith(await log.ReadAsync(project, ledger => ledger.IdsOf(text), cancellation));
        }

        int taken = 0;
        foreach (string id in ids)
        {
            taken += await log.WithdrawAsync(project, id, cancellation) is null ? 1 : 0;
        }

        return taken;
    }

    private const string Through = ".through.json";
}

/// <summary>Corrections as rows.</summary>
/// <param name="Name">The blob's name among the project's batches.</param>
/// <param name="Count">Corrected texts.</param>
/// <param name="Through">The place in the log of the newest verdict that was read for it.</param>
public sealed record CorrectionBatch(string Name, int Count, string Through)
{
    /// <summary>Texts among them that a reviewer with a key has answered and that are learned.</summary>
    public int Named { get; init; }
}

/// <summary>The place in the log of the newest verdict of a batch.</summary>
internal sealed record CorrectionPlace(string Through);
