using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Datasets.Building;
using Pipeline.Datasets.Ingestion.Rows;
using Pipeline.Functions.Projects;
using Pipeline.Storage;
using Pipeline.Tokenization;

namespace Pipeline.Functions.Datasets;

/// <summary>
/// The raw blobs of a dataset as files to read. Their content is that of one moment: a blob that was written anew is
/// refused.
/// </summary>
public sealed class DatasetSources(PipelineStorage storage, BaseCatalog bases)
{
    /// <summary>Opens the blobs.</summary>
    /// <param name="input">What the run is about.</param>
    /// <param name="settings">The project's settings.</param>
    /// <param name="without">Rows that were withdrawn.</param>
    /// <param name="corrected">Blobs of corrected rows, by their names.</param>
    /// <param name="tags">ETags that the blobs must have, in their order; <c>null</c>: those they have now.</param>
    /// <param name="folder">Where to write them to disk; <c>null</c>: they are read piece by piece where they
    /// lie.</param>
    /// <param name="cancellation">Ends the call.</param>
    /// <exception cref="DatasetException">A blob is missing, or the settings do not go with the base.</exception>
    /// <exception cref="InvalidDataException">A blob was written anew.</exception>
    public async Task<(DatasetRequest Request, IReadOnlyList<string> Tags)> OpenAsync(
        PipelineInput input,
        ProjectSettings settings,
        IReadOnlyList<string> without,
        IReadOnlyList<string> corrected,
        IReadOnlyList<string>? tags,
        string? folder,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(settings);
        (ChatEncoder encoder, string sha256) = bases.EncoderFor(settings);
        List<string> found = [];
        async Task<RawFile> OpenOneAsync(BlobAddress address, string name)
        {
            (Stream stream, string tag) =
                await storage.Files.OpenAsync(address, tags?[found.Count], cancellation)
                ?? throw new DatasetException(DatasetException.UnreadableFile, $"'{address}' does not exist.");
            await using (stream)
            {
                found.Add(tag);
                if (folder is null)
                {
                    return new RawFile(
                        name,
                        stream.Length,
                        () => storage.Files.OpenAsync(address, tag, cancellation).GetAwaiter().GetResult()!.Value.Stream
                    );
                }

                string path = Path.Combine(folder, $"source-{found.Count}");
                await using FileStream file = File.Create(path);
                await stream.CopyToAsync(file, cancellation);
                await file.FlushAsync(cancellation);
                return RawFile.FromPath(path, name);
            }
        }

        List<RawFile> files = [await OpenOneAsync(BlobLayout.Raw(input.Project, input.Source), input.Source)];
        if (input.FeedbackBatch is not null)
        {
            files.Add(
                await OpenOneAsync(BlobLayout.FeedbackBatch(input.Project, input.FeedbackBatch), input.FeedbackBatch)
            );
        }

        foreach (string name in corrected)
        {
            files.Add(await OpenOneAsync(BlobLayout.Raw(input.Project, name), name));
        }

        RawFile? test = settings.Split.TestFile is { } testFile
            ? await OpenOneAsync(BlobLayout.Raw(input.Project, testFile), testFile)
            : null;
        return (
            new DatasetRequest
            {
                Project = input.Project,
                Settings = settings,
                Files = files,
                TestFile = test,
                Without = without,
                Encoder = encoder,
                TokenizerSha256 = sha256,
                Shape = bases.ShapeOf(settings),
            },
            found
        );
    }
}
