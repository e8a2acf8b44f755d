using System.Text;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Datasets.Configuration;
using Pipeline.Storage;

namespace Pipeline.Functions.Projects;

/// <summary>A project's settings as registered, the defaults where none are; and those that a run keeps.</summary>
public sealed class ProjectReader(PipelineStorage storage)
{
    /// <summary>Reads them.</summary>
    /// <exception cref="DatasetException">The registered project.yaml cannot be read.</exception>
    public async Task<ProjectSettings> SettingsAsync(string project, CancellationToken cancellation)
    {
        if (await storage.Files.LengthAsync(BlobLayout.Project(project), cancellation) > ProjectFile.MaxBytes)
        {
            throw new DatasetException(
                DatasetFaultCode.InvalidSettings,
                $"project.yaml: the file is longer than {ProjectFile.MaxBytes:N0} bytes."
            );
        }

        byte[]? yaml = await storage.Files.ReadAsync(BlobLayout.Project(project), cancellation);
        return ProjectFile.Read(yaml is null ? "" : Encoding.UTF8.GetString(yaml));
    }

    /// <summary>The settings that a run keeps; those of its project for a dataset without a run.</summary>
    /// <exception cref="DatasetException">The registered project.yaml cannot be read.</exception>
    public async Task<ProjectSettings> SettingsAsync(PipelineInput input, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(input);
        ProjectSettings? kept =
            input.RunId.Length > 0
                ? await storage.Files.ReadJsonAsync<ProjectSettings>(BlobLayout.RunSettings(input.RunId), cancellation)
                : null;
        return kept ?? await SettingsAsync(input.Project, cancellation);
    }

    /// <summary>Names of the blobs that hold corrected rows of a raw blob, in ordinal order.</summary>
    public async Task<IReadOnlyList<string>> CorrectedAsync(
        string project,
        string source,
        CancellationToken cancellation
    ) =>
        [
            .. (
                await storage.Files.ListAsync(
                    BlobLayout.RawContainer,
                    BlobLayout.CorrectedPrefix(project, source),
                    cancellation
                )
            )
                .Select(b => b.Name[(project.Length + 1)..])
                .Where(n => BlobLayout.CorrectedSource(n) == source),
        ];

    /// <summary>Rows that no dataset of the project is made with any more.</summary>
    public async Task<IReadOnlyList<string>> WithdrawnAsync(string project, CancellationToken cancellation) =>
        (await storage.Files.ReadJsonAsync<WithdrawnRows>(BlobLayout.Withdrawn(project), cancellation))?.Rows ?? [];
}
