using Pipeline.Contracts;
using Pipeline.Datasets.Auditing;
using Pipeline.Datasets.Splitting;
using Pipeline.Datasets.Validation;

namespace Pipeline.Datasets.Building;

/// <summary>
/// Writes <c>train.jsonl</c>, <c>validation.jsonl</c> and <c>test.jsonl</c>, and gives each line to the audit on the
/// way.
/// </summary>
/// <param name="rows">Where the lines are.</param>
/// <param name="labels">The labels; <c>null</c>: there are none.</param>
/// <param name="privacy">Whether values were replaced, and are to be counted.</param>
internal sealed class SplitWriter(PartRows rows, LabelSet? labels, PrivacySettings privacy)
{
    private static readonly string[] Names = [BlobLayout.TrainFile, BlobLayout.ValidationFile, BlobLayout.TestFile];
    private readonly SortedDictionary<string, long> _replaced = new(StringComparer.Ordinal);

    /// <summary>Replaced values by type.</summary>
    public IReadOnlyDictionary<string, long> Replaced => _replaced;

    /// <summary>Writes the files.</summary>
    /// <param name="folder">Where.</param>
    /// <param name="lines">The dataset's lines in their order.</param>
    /// <param name="leaks">Held-out lines that nearly repeat a learned one, by their indices.</param>
    /// <param name="audit">Told of each line.</param>
    /// <param name="files">Takes the SHA-256 of each file.</param>
    /// <returns>Some of the prompts, to tell the languages from.</returns>
    public List<string> Write(
        string folder,
        List<SplitLine> lines,
        HashSet<int> leaks,
        TokenAudit audit,
        Dictionary<string, string> files
    )
    {
        HashingFileWriter[] outputs = [.. Names.Select(n => new HashingFileWriter(Path.Combine(folder, n)))];
        try
        {
            List<string> sample = [];
            int step = LanguageSample.Step(lines.Count);
            foreach ((int number, (RowLine line, Split split)) in lines.Index())
            {
                byte[] bytes = rows.Read(line);
                outputs[(int)split].WriteLine(bytes);
                CountReplaced(bytes);
                if (number % step == 0)
                {
                    sample.Add(MessageCleaning.PromptText(ContractJson.Read<Example>(bytes).Messages));
                }

                audit.Add(
                    split,
                    line.Label < 0 ? null : labels!.Labels[line.Label],
                    line.Measure,
                    leaks.Contains(number),
                    () => rows.Example(line).Id
                );
            }

            foreach ((string name, HashingFileWriter output) in Names.Zip(outputs))
            {
                files[name] = output.CloseAndGetSha256();
            }

            return sample;
        }
        finally
        {
            Array.ForEach(outputs, o => o.Dispose());
        }
    }

    /// <summary>Writes the guard set.</summary>
    /// <param name="folder">Where.</param>
    /// <param name="guards">Its rows, by their indices among the accepted ones; <c>null</c>: there is none.</param>
    /// <param name="files">Takes the SHA-256 of the file.</param>
    public void WriteGuard(string folder, List<int>? guards, Dictionary<string, string> files)
    {
        if (guards is null)
        {
            return;
        }

        using var output = new HashingFileWriter(Path.Combine(folder, BlobLayout.GuardFile));
        foreach (int row in guards)
        {
            byte[] bytes = rows.Read(rows.Accepted[row].Line);
            output.WriteLine(bytes);
            CountReplaced(bytes);
        }

        files[BlobLayout.GuardFile] = output.CloseAndGetSha256();
    }

    private void CountReplaced(byte[] line)
    {
        if (privacy.Mode == PrivacyMode.Keep)
        {
            return;
        }

        foreach ((string type, int count) in ContractJson.Read<Example>(line).Replaced ?? new Dictionary<string, int>())
        {
            _replaced[type] = _replaced.GetValueOrDefault(type) + count;
        }
    }
}
