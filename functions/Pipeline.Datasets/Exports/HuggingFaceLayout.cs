using System.Globalization;
using System.Text;
using Parquet;
using Parquet.Serialization;
using Pipeline.Contracts;

namespace Pipeline.Datasets.Exports;

/// <summary>
/// A built dataset as <c>datasets.load_dataset(FOLDER)</c> reads it: a parquet file a split and a card whose front
/// matter names them. Sources: huggingface.co/docs/hub, "Dataset Cards" and "Manual configuration"; the column
/// <c>messages</c> as TRL has it (<c>docs/source/dataset_formats.md</c>).
/// </summary>
public static class HuggingFaceLayout
{
    /// <summary>The folder within the dataset's.</summary>
    public const string Folder = "huggingface";

    private const int RowsAGroup = 50_000;

    /// <summary>Writes it beside a built dataset.</summary>
    /// <param name="folder">The dataset's folder.</param>
    /// <param name="manifest">Its manifest.</param>
    /// <param name="cancellation">Ends the writing.</param>
    /// <returns>The files, relative to the folder.</returns>
    public static async Task<IReadOnlyList<string>> WriteAsync(
        string folder,
        DatasetManifest manifest,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(manifest);
        string root = Path.Combine(folder, Folder);
        Directory.CreateDirectory(Path.Combine(root, "data"));
        List<string> written = [];
        List<(string Split, string File)> splits = [];
        foreach (string file in (string[])[BlobLayout.TrainFile, BlobLayout.ValidationFile, BlobLayout.TestFile])
        {
            string split = Path.GetFileNameWithoutExtension(file);
            string name = $"data/{split}-00000-of-00001.parquet";
            string source = Path.Combine(folder, file);
            if (new FileInfo(source).Length == 0)
            {
                continue; // a split without rows is none
            }

            await WriteSplitAsync(source, Path.Combine(root, name), cancellation).ConfigureAwait(false);
            splits.Add((split, name));
            written.Add($"{Folder}/{name}");
        }

        await File.WriteAllTextAsync(Path.Combine(root, "README.md"), Card(manifest, splits), cancellation)
            .ConfigureAwait(false);
        return [.. written, $"{Folder}/README.md"];
    }

    private static async Task WriteSplitAsync(string source, string path, CancellationToken cancellation)
    {
        using FileStream output = new(path, FileMode.Create, FileAccess.ReadWrite);
        bool append = false;
        foreach (string[] lines in File.ReadLines(source).Chunk(RowsAGroup))
        {
            HuggingFaceRow[] rows = [.. lines.Select(l => HuggingFaceRow.From(ContractJson.Read<Example>(l)))];
            output.Position = 0;
            await ParquetSerializer
                .SerializeAsync(rows, output, new ParquetOptions { Append = append }, null, cancellation)
                .ConfigureAwait(false);
            append = true;
        }
    }

    private static string Card(DatasetManifest manifest, List<(string Split, string File)> splits)
    {
        RowCounts rows = manifest.Rows;
        var card = new StringBuilder("---\nconfigs:\n- config_name: default\n  data_files:\n");
        foreach ((string split, string file) in splits)
        {
            card.Append(CultureInfo.InvariantCulture, $"  - split: {split}\n    path: {file}\n");
        }

        string category = manifest.Task switch
        {
            TaskKind.Classification => "text-classification",
            TaskKind.Extraction or TaskKind.Deidentification => "token-classification",
            _ => "text-generation",
        };
        card.Append(
            CultureInfo.InvariantCulture,
            $"task_categories:\n- {category}\nsize_categories:\n- {Size(rows.Train + rows.Validation + rows.Test)}\n---\n\n# {manifest.Project}, dataset {manifest.DatasetId}\n\n"
        );
        card.Append(
            CultureInfo.InvariantCulture,
            $"{rows.Read} rows read = {rows.Accepted} accepted + {rows.Rejected} rejected + {rows.Duplicates} duplicates; {rows.Train} to train, {rows.Validation} to validate, {rows.Test} to test.\n"
        );
        card.Append(
            CultureInfo.InvariantCulture,
            $"Read from {string.Join(", ", manifest.Sources.Select(s => $"`{s.Name}` (SHA-256 `{s.Sha256}`)"))} as {manifest.Layout}. No near-duplicate lies on both sides of the split.\n"
        );
        foreach (SynthesisSummary made in manifest.Synthesis)
        {
            card.Append(
                CultureInfo.InvariantCulture,
                $"\n{made.Learned} training rows were made by {made.Generator}; the column `generator` names it. Validation and test hold none.\n"
            );
        }

        if (manifest.Replaced.Count > 0)
        {
            card.Append(
                CultureInfo.InvariantCulture,
                $"\nReplaced ({manifest.Settings.Privacy.Mode.Name()}): {string.Join(", ", manifest.Replaced.Select(r => $"{r.Key} {r.Value}"))}. What was not found is still there.\n"
            );
        }

        return card.Append(
                "\nColumns: `id`, `messages` (role, content), `label` where the task has labels, `source_file`, `source_row`, `generator`.\n"
            )
            .ToString();
    }

    private static string Size(int rows) =>
        rows switch
        {
            < 1000 => "n<1K",
            < 10_000 => "1K<n<10K",
            < 100_000 => "10K<n<100K",
            < 1_000_000 => "100K<n<1M",
            _ => "1M<n<10M",
        };
}
