using System.Text;
using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Datasets.Ingestion;
using Pipeline.Functions.Orchestrations;
using Pipeline.Functions.Triggers;
using Pipeline.Reporting.Pages;
using Pipeline.Storage;
using Pipeline.Tokenization;

namespace Pipeline.Functions.Activities;

/// <summary>Reads the raw files, builds the dataset and writes its files, the manifest last.</summary>
public sealed class BuildDataset(PipelineStorage storage, ProjectReader projects, RunStarter starter, BaseCatalog bases, TimeProvider time)
{
    public const string Name = nameof(BuildDataset);

    [Function(Name)]
    public async Task<DatasetOutput> Run([ActivityTrigger] PipelineInput input, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(input);
        try
        {
            if (input.RunId.Length > 0 && !await starter.IsCurrentAsync(input, cancellation))
            {
                return new DatasetOutput("", $"'{input.Source}' or the project's settings changed after the run was started; the change starts a run of its own.");
            }

            DatasetRequest request = await Read(input, cancellation);
            DatasetBuild build = DatasetBuilder.Build(request);
            string datasetId = build.Manifest.DatasetId;
            if (input.RunId.Length > 0)
            {
                await storage.Files.WriteJsonAsync(BlobLayout.RunSettings(input.RunId), request.Settings, cancellation);
            }

            foreach ((string name, byte[] bytes) in build.Files.OrderBy(f => f.Key == BlobLayout.ManifestFile))
            {
                await storage.Files.WriteAsync(BlobLayout.Dataset(datasetId, name), bytes, cancellation);
            }

            await storage.Files.WriteAsync(BlobLayout.Dataset(datasetId, BlobLayout.AuditPageFile), Encoding.UTF8.GetBytes(AuditPage.Write(build.Manifest, build.Audit)), cancellation);
            await storage.Runs.UpdateAsync(input.RunId, run => run with { DatasetId = datasetId, UpdatedAt = time.GetUtcNow() }, cancellation);
            return new DatasetOutput(datasetId, build.Fault?.Message);
        }
        catch (Exception fault) when (fault is DatasetException or InvalidDataException)
        {
            return new DatasetOutput("", fault.Message); // what a person dropped is wrong: no retry mends it
        }
    }

    private async Task<DatasetRequest> Read(PipelineInput input, CancellationToken cancellation)
    {
        ProjectSettings settings = await projects.SettingsAsync(input.Project, cancellation);
        (ChatEncoder encoder, string sha256) = bases.EncoderFor(settings);
        var files = new List<RawFile> { await Raw(BlobLayout.Raw(input.Project, input.Source), input.Source, cancellation) };
        if (input.FeedbackBatch is not null)
        {
            files.Add(await Raw(BlobLayout.FeedbackBatch(input.Project, input.FeedbackBatch), input.FeedbackBatch, cancellation));
        }

        RawFile? test = settings.Split.TestFile is { } name ? await Raw(BlobLayout.Raw(input.Project, name), name, cancellation) : null;
        return new DatasetRequest { Project = input.Project, Settings = settings, Files = files, TestFile = test, Encoder = encoder, TokenizerSha256 = sha256 };
    }

    private async Task<RawFile> Raw(BlobAddress address, string name, CancellationToken cancellation) =>
        new(name, await storage.Files.ReadAsync(address, cancellation) ?? throw new DatasetException(DatasetException.UnreadableFile, $"'{address}' does not exist."));
}
