using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Datasets.Building;
using Pipeline.Storage;

namespace Pipeline.Functions.Datasets;

/// <summary>
/// Validates the rows of one part. A divided file is read by range, besides the first rows of every file, by which its
/// layout is recognised; for an undivided one all raw files are copied to disk.
/// </summary>
public sealed class BuildDatasetPart(PipelineStorage storage, DatasetSources sources)
{
    public const string Name = nameof(BuildDatasetPart);

    /// <returns>Why the part cannot be built; <c>null</c>: it was.</returns>
    [Function(Name)]
    public async Task<string?> Run([ActivityTrigger] DatasetPartInput input, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(input);
        DatasetPlanned planned = input.Planned;
        DirectoryInfo folder = Directory.CreateTempSubdirectory("pipeline-part-");
        try
        {
            DatasetPlan plan =
                await storage.Files.ReadJsonAsync<DatasetPlan>(
                    BlobLayout.BuildPlan(planned.DatasetId, planned.Instance),
                    cancellation
                )
                ?? throw new FileNotFoundException(
                    $"The plan of dataset {planned.DatasetId} was not found in storage."
                );
            bool isWholeFile = plan.Parts[input.Part].Range is null;
            (DatasetRequest request, _) = await sources.OpenAsync(
                new DatasetSource(planned.Input, plan.Settings, plan.Without, planned.Mended, planned.Tags),
                isWholeFile ? folder.FullName : null,
                cancellation
            );
            string path = Path.Combine(folder.FullName, "part");
            await using (FileStream output = File.Create(path))
            {
                DatasetBuilder.BuildPart(request, plan, input.Part, output);
            }

            await storage.Files.WriteFileAsync(
                BlobLayout.BuildPart(planned.DatasetId, planned.Instance, input.Part),
                path,
                cancellation
            );
            return null;
        }
        catch (Exception fault) when (fault is DatasetException or InvalidDataException)
        {
            return fault.Message;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}

/// <summary>One part to build.</summary>
/// <param name="Planned">The dataset.</param>
/// <param name="Part">The part's number, from 0.</param>
public sealed record DatasetPartInput(DatasetPlanned Planned, int Part);
