using System.Text.Json;
using Pipeline.Contracts;

namespace Pipeline.Worker.Jobs;

/// <summary>A dataset's files in a folder.</summary>
public sealed record LocalDataset(
    DatasetManifest Manifest,
    IReadOnlyList<Example> Train,
    IReadOnlyList<Example> Validation,
    IReadOnlyList<Example> Test
)
{
    /// <summary>Rows of the guard set; empty: there is none.</summary>
    public IReadOnlyList<Example> Guard { get; init; } = [];

    /// <summary>Reads a dataset and holds its files against the manifest.</summary>
    /// <exception cref="InvalidDataException">A file is missing, cannot be read, or is not the one that the manifest
    /// names.</exception>
    public static LocalDataset Read(string directory)
    {
        byte[] manifestBytes = Bytes(directory, BlobLayout.ManifestFile);
        DatasetManifest manifest = Parse<DatasetManifest>(manifestBytes, BlobLayout.ManifestFile);
        return new LocalDataset(
            manifest,
            Rows(directory, BlobLayout.TrainFile, manifest),
            Rows(directory, BlobLayout.ValidationFile, manifest),
            Rows(directory, BlobLayout.TestFile, manifest)
        )
        {
            Guard = manifest.Guard is null ? [] : Rows(directory, BlobLayout.GuardFile, manifest),
        };
    }

    private static List<Example> Rows(string directory, string name, DatasetManifest manifest)
    {
        byte[] bytes = Bytes(directory, name);
        if (manifest.Files.GetValueOrDefault(name) != ContentHash.Sha256(bytes))
        {
            throw new InvalidDataException(
                $"'{Path.Combine(directory, name)}' is not the file that manifest.json names: its SHA-256 differs. "
                    + "Build the dataset again."
            );
        }

        using var reader = new StreamReader(new MemoryStream(bytes, writable: false));
        var rows = new List<Example>();
        while (reader.ReadLine() is { } line)
        {
            rows.Add(Parse<Example>(System.Text.Encoding.UTF8.GetBytes(line), $"{name}, line {rows.Count + 1}"));
        }

        return rows;
    }

    private static byte[] Bytes(string directory, string name)
    {
        string path = Path.Combine(directory, name);
        return File.Exists(path)
            ? File.ReadAllBytes(path)
            : throw new InvalidDataException($"The dataset in '{directory}' has no {name}.");
    }

    private static T Parse<T>(byte[] json, string name)
    {
        try
        {
            return ContractJson.Read<T>(json);
        }
        catch (JsonException fault)
        {
            throw new InvalidDataException($"{name} cannot be read: {fault.Message}", fault);
        }
    }
}
