using Pipeline.Contracts;

namespace Pipeline.Datasets.Lineage;

/// <summary>Finds what became of a raw row in a dataset.</summary>
public static class RowSearch
{
    /// <summary>The dataset's files in which rows stand.</summary>
    public static IReadOnlyList<string> Files { get; } =
    [
        BlobLayout.TrainFile,
        BlobLayout.ValidationFile,
        BlobLayout.TestFile,
        BlobLayout.GuardFile,
        BlobLayout.RejectedFile,
    ];

    /// <summary>Looks through a file of a dataset, line by line.</summary>
    /// <param name="file">Which of <see cref="Files"/> it is.</param>
    /// <param name="lines">Its lines.</param>
    /// <param name="id">The raw row's id, such as <c>tweets.csv#12</c>.</param>
    public static IEnumerable<RowFate> In(string file, IEnumerable<string> lines, string id)
    {
        ArgumentNullException.ThrowIfNull(lines);
        string quoted = ContractJson.Write(id)[1..^1];
        foreach (string line in lines.Where(l => l.Contains(quoted, StringComparison.Ordinal)))
        {
            RowFate? fate =
                file == BlobLayout.RejectedFile
                    ? FateOf(ContractJson.Read<RejectedRow>(line), id)
                    : FateOf(file, ContractJson.Read<Example>(line), id);
            if (fate is not null)
            {
                yield return fate;
            }
        }
    }

    private static RowFate? FateOf(string file, Example row, string id) =>
        $"{row.Source.File}#{row.Source.Row}" == id
            ? new RowFate(
                file,
                row.Id,
                file == BlobLayout.TrainFile ? "learned from"
                    : file is BlobLayout.TestFile or BlobLayout.GuardFile ? "asked, not learned from"
                    : "watched while training, not learned from"
            )
            {
                Texts = [.. row.Messages.Where(m => m.Role == MessageRole.User).Select(m => m.Content).TakeLast(1)],
            }
        : row.Synthetic?.Parents.Contains(id) == true ? new RowFate(file, row.Id, "a synthetic row comes of it")
        : null;

    private static RowFate? FateOf(RejectedRow row, string id) =>
        row.Id == id
            ? new RowFate(BlobLayout.RejectedFile, row.Id, $"left out: {row.Reason.Name()}, {row.Detail}")
            {
                Kept = row.DuplicateOf,
                Texts = [.. row.Fields.Values],
            }
        : row.DuplicateOf == id
            ? new RowFate(BlobLayout.RejectedFile, row.Id, $"another row was left out for it: {row.Reason.Name()}")
        : null;
}
