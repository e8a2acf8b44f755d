using System.Text;
using Pipeline.Contracts;

namespace Pipeline.Datasets.Lineage;

/// <summary>Where a row of a dataset comes from, for people.</summary>
public static class RowTrace
{
    /// <summary>Tells it; <c>null</c>: the dataset has no such row.</summary>
    /// <param name="folder">The dataset's folder.</param>
    /// <param name="id">The row's id, as the dataset's files have it.</param>
    public static string? Trace(string folder, string id)
    {
        DatasetManifest manifest = ContractJson.Read<DatasetManifest>(
            File.ReadAllBytes(Path.Combine(folder, BlobLayout.ManifestFile))
        );
        string quoted = $"\"id\":{ContractJson.Write(id)}";
        foreach (string file in RowSearch.Files.Where(f => File.Exists(Path.Combine(folder, f))))
        {
            string? line = File.ReadLines(Path.Combine(folder, file))
                .FirstOrDefault(l => l.Contains(quoted, StringComparison.Ordinal));
            if (line is not null)
            {
                return file == BlobLayout.RejectedFile
                    ? Describe(manifest, ContractJson.Read<RejectedRow>(line))
                    : Describe(manifest, Path.GetFileNameWithoutExtension(file), ContractJson.Read<Example>(line));
            }
        }

        return null;
    }

    private static string Describe(DatasetManifest manifest, string split, Example row)
    {
        var description = new StringBuilder(
            $"{row.Id}: in {split} of dataset "
                + $"{manifest.DatasetId}{(row.Label is null ? "" : $", labelled '{row.Label}'")}\n"
        );
        if (row.Synthetic is { } made)
        {
            description.Append(
                $"Made by {made.Generator}, prompt "
                    + made.PromptHash
                    + (made.Parents.Count > 0 ? $", after {string.Join(", ", made.Parents)}" : "")
                    + "\n"
            );
        }
        else
        {
            description.Append(Place(manifest, row.Source));
        }

        if (row.Reviewer is { } reviewer)
        {
            description.Append($"Its answer was said or checked by {reviewer}\n");
        }

        if (row.Replaced is { Count: > 0 })
        {
            description.Append(
                $"Replaced ({manifest.Settings.Privacy.Mode.Name()}): "
                    + $"{string.Join(", ", row.Replaced.Select(r => $"{r.Key} {r.Value}"))}\n"
            );
        }

        return description
            .Append($"Encoded with {manifest.Base}, template {manifest.Template}, as:\n{row.Text}")
            .ToString();
    }

    private static string Describe(DatasetManifest manifest, RejectedRow row) =>
        $"{row.Id}: left out of dataset {manifest.DatasetId}: {row.Reason.Name()}, {row.Detail}\n"
        + Place(manifest, row.Source)
        + string.Join("\n", row.Fields.Select(f => $"{f.Key}: {f.Value}"));

    private static string Place(DatasetManifest manifest, RowPlace place)
    {
        SourceFile? source = manifest.Sources.FirstOrDefault(s =>
            place.File == s.Name || place.File.StartsWith(s.Name + "/", StringComparison.Ordinal)
        );
        return $"Row {place.Row} of '{place.File}'{(place.Line > 0 ? $", line {place.Line}" : "")}{(place.Offset >= 0 ? $", byte {place.Offset}" : "")}{(source is null ? "" : $", of what was dropped as '{source.Name}', SHA-256 {source.Sha256}")}\n";
    }
}
