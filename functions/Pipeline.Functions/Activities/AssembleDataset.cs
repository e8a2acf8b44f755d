using System.Text;
using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Datasets.Building;
using Pipeline.Functions.Orchestrations;
using Pipeline.Reporting.Pages;
using Pipeline.Storage;

namespace Pipeline.Functions.Activities;

/// <summary>Puts a dataset's parts together and writes its files, the manifest last.</summary>
public sealed class AssembleDataset(PipelineStorage storage, DatasetSources sources, TimeProvider time)
{
    public const string Name = nameof(AssembleDataset);

    [Function(Name)]
    public async Task<DatasetOutput> Run([ActivityTrigger] DatasetPlanned planned, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(planned);
        DirectoryInfo folder = Directory.CreateTempSubdirectory("pipeline-dataset-");
        try
        {
            string prefix = BlobLayout.BuildPrefix(planned.DatasetId, planned.Instance);
            if (await storage.Files.ReadJsonAsync<DatasetPlan>(BlobLayout.BuildPlan(planned.DatasetId, planned.Instance), cancellation) is not { } plan)
            {
                throw new FileNotFoundException($"The plan of dataset {planned.DatasetId} is gone.");
            }

            (DatasetRequest request, _) = await sources.OpenAsync(planned.Input, plan.Settings, planned.Tags, null, cancellation);
            string parts = Path.Combine(folder.FullName, "parts");
            await storage.Files.DownloadAsync(BlobLayout.DatasetsContainer, prefix, parts, cancellation);
            IEnumerable<Stream> streams = Enumerable.Range(0, planned.Parts).Select(i => File.OpenRead(Path.Combine(parts, BlobLayout.BuildPart(planned.DatasetId, planned.Instance, i).Name[prefix.Length..])));
            DatasetBuild build = DatasetBuilder.Assemble(request, plan, streams, Path.Combine(folder.FullName, "dataset"));
            string runId = planned.Input.RunId;
            if (runId.Length > 0)
            {
                await storage.Files.WriteJsonAsync(BlobLayout.RunSettings(runId), plan.Settings, cancellation);
            }

            await storage.Files.WriteAsync(BlobLayout.Dataset(planned.DatasetId, BlobLayout.AuditPageFile), Encoding.UTF8.GetBytes(AuditPage.Write(build.Manifest, build.Audit)), cancellation);
            foreach (string name in build.Files)
            {
                await storage.Files.WriteFileAsync(BlobLayout.Dataset(planned.DatasetId, name), Path.Combine(build.Folder, name), cancellation);
            }

            await storage.Runs.UpdateAsync(runId, run => run with { DatasetId = planned.DatasetId, UpdatedAt = time.GetUtcNow() }, cancellation);
            return new DatasetOutput(planned.DatasetId, build.Fault?.Message);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
