using Pipeline.Contracts;
using Pipeline.Datasets.Validation;

namespace Pipeline.Datasets.Building;

/// <summary>
/// Clusters of nearly the same texts that bear different labels: a person is to decide, the rows stay.
/// </summary>
internal static class LabelConflicts
{
    private const int Shown = 20;
    private const int RowsShown = 6;
    private const int CharactersShown = 300;

    /// <summary>Writes <c>conflicts.jsonl</c>, a cluster a line.</summary>
    /// <param name="path">The file.</param>
    /// <param name="rows">All rows.</param>
    /// <param name="clusters">Clusters of more than one row, by their places among the accepted ones.</param>
    /// <returns>The file's SHA-256, how many there are, and the first of them.</returns>
    public static (string Sha256, int Count, IReadOnlyList<LabelConflict> First) Write(
        string path,
        PartRows rows,
        IEnumerable<List<int>> clusters
    )
    {
        using var file = new HashingFileWriter(path);
        int count = 0;
        List<LabelConflict> first = [];
        foreach (
            List<int> cluster in clusters.Where(c => c.Select(i => rows.Accepted[i].Split.Label).Distinct().Count() > 1)
        )
        {
            var conflict = new LabelConflict(
                cluster.Count,
                [.. cluster.Select(i => Row(rows.Example(rows.Accepted[i].Line)))]
            );
            file.WriteLine(ContractJson.WriteUtf8(conflict));
            if (count++ < Shown)
            {
                first.Add(conflict with { Texts = OfEachLabel(conflict.Texts) });
            }
        }

        return (file.CloseAndGetSha256(), count, first);
    }

    /// <summary>Some of a conflict's rows, one of each label before a second of any.</summary>
    private static IReadOnlyList<ConflictingRow> OfEachLabel(IReadOnlyList<ConflictingRow> rows) =>
        [
            .. rows.GroupBy(r => r.Label, StringComparer.Ordinal)
                .SelectMany(g => g.Select((row, rank) => (row, rank)))
                .OrderBy(r => r.rank)
                .Take(RowsShown)
                .Select(r => r.row),
        ];

    private static ConflictingRow Row(Example example)
    {
        string prompt = MessageCleaning.PromptText(example.Messages);
        return new ConflictingRow(
            example.Id,
            example.Label ?? "",
            prompt.Length <= CharactersShown ? prompt : prompt[..CharactersShown] + "…"
        );
    }
}
