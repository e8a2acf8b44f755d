using System.Security.Cryptography;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Datasets.Building;
using Pipeline.Datasets.Ingestion.Rows;
using Pipeline.Functions.Projects;
using Pipeline.Functions.Verdicts;
using Pipeline.Storage;
using Pipeline.Tokenization;

namespace Pipeline.Functions.Datasets;

/// <summary>What a dataset is made of, by names.</summary>
/// <param name="Input">What the run is about.</param>
/// <param name="Settings">The project's settings.</param>
/// <param name="Without">Rows that were withdrawn.</param>
/// <param name="Corrected">Blobs of corrected rows, by their names.</param>
/// <param name="Tags">ETags that the blobs must have, in their order; <c>null</c>: those they have now.</param>
public sealed record DatasetSource(
    PipelineInput Input,
    ProjectSettings Settings,
    IReadOnlyList<string> Without,
    IReadOnlyList<string> Corrected,
    IReadOnlyList<string>? Tags
);

/// <summary>
/// The raw blobs of a dataset as files to read. Their content is that of one moment: a blob that was written anew is
/// refused.
/// </summary>
public sealed class DatasetSources(PipelineStorage storage, BaseCatalog bases)
{
    /// <summary>Opens the blobs.</summary>
    /// <param name="source">What the dataset is made of.</param>
    /// <param name="folder">Where to write them to disk; <c>null</c>: they are read piece by piece from
    /// storage.</param>
    /// <param name="cancellation">Ends the call.</param>
    /// <exception cref="DatasetException">A blob is missing, or the settings do not go with the base.</exception>
    /// <exception cref="InvalidDataException">A blob was written anew.</exception>
    public async Task<(DatasetRequest Request, IReadOnlyList<string> Tags)> OpenAsync(
        DatasetSource source,
        string? folder,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(source);
        (PipelineInput input, ProjectSettings settings) = (source.Input, source.Settings);
        (ChatEncoder encoder, string sha256) = bases.EncoderFor(settings);
        List<string> tags = [];
        async Task<RawFile> OpenOneAsync(BlobAddress address, string name)
        {
            (RawFile file, string tag) = await OpenFileAsync(
                address,
                name,
                source.Tags?[tags.Count],
                folder is null ? null : Path.Combine(folder, $"source-{tags.Count + 1}"),
                cancellation
            );
            tags.Add(tag);
            return file;
        }

        List<RawFile> files = [await OpenOneAsync(BlobLayout.Raw(input.Project, input.Source), input.Source)];
        RawFile? corrections = null;
        if (input.FeedbackBatch is { } batch)
        {
            RawFile rows = await OpenOneAsync(BlobLayout.FeedbackBatch(input.Project, batch), batch);
            bool isBatch = batch.StartsWith(CorrectionBatches.NamePrefix, StringComparison.Ordinal);
            corrections = isBatch ? rows : null;
            files.AddRange(isBatch ? [] : [rows]); // of a run that was started before 2026-11-30
        }

        string[] heldOutNames = [.. settings.HeldOutFiles().Select(f => f.Name)];
        var heldOut = new List<RawFile>();
        foreach (string name in source.Corrected.Concat(heldOutNames))
        {
            List<RawFile> kind = heldOutNames.Contains(name) ? heldOut : files;
            kind.Add(await OpenOneAsync(BlobLayout.Raw(input.Project, name), name));
        }

        return (
            new DatasetRequest
            {
                Project = input.Project,
                Settings = settings,
                Files = files,
                TestFile = heldOut.Find(f => f.Name == settings.Split.TestFile),
                GuardFile = heldOut.Find(f => f.Name == settings.Promotion.Guard),
                Corrections = corrections,
                Without = source.Without,
                Encoder = encoder,
                TokenizerSha256 = sha256,
                Shape = bases.ShapeOf(settings),
            },
            tags
        );
    }

    /// <summary>Opens one blob; with a path it is copied there first.</summary>
    private async Task<(RawFile File, string Tag)> OpenFileAsync(
        BlobAddress address,
        string name,
        string? expectedTag,
        string? path,
        CancellationToken cancellation
    )
    {
        (Stream stream, string tag) =
            await storage.Files.OpenAsync(address, expectedTag, cancellation)
            ?? throw new DatasetException(DatasetFaultCode.UnreadableFile, $"'{address}' does not exist.");
        await using (stream)
        {
            if (path is null)
            {
                Stream Open() =>
                    storage.Files.OpenAsync(address, tag, cancellation).GetAwaiter().GetResult()!.Value.Stream;
                return (new RawFile(name, stream.Length, Open), tag);
            }

            string sha256;
            await using (FileStream file = File.Create(path))
            {
                sha256 = await CopyHashedAsync(stream, file, cancellation);
            }

            return (RawFile.FromPath(path, name, sha256), tag);
        }
    }

    /// <summary>Copies a stream.</summary>
    /// <returns>SHA-256 of what was copied, lower-case hexadecimal.</returns>
    private static async Task<string> CopyHashedAsync(Stream source, Stream target, CancellationToken cancellation)
    {
        using var hash = SHA256.Create();
        await using var hashed = new CryptoStream(source, hash, CryptoStreamMode.Read, leaveOpen: true);
        await hashed.CopyToAsync(target, cancellation);
        return Convert.ToHexStringLower(hash.Hash!);
    }
}
