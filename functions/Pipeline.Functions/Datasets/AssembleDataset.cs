using System.Text;
using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Datasets.Building;
using Pipeline.Datasets.Exports;
using Pipeline.Datasets.Synthesis;
using Pipeline.Reporting.Baselines;
using Pipeline.Reporting.Pages;
using Pipeline.Storage;

namespace Pipeline.Functions.Datasets;

/// <summary>Puts a dataset's parts and its synthetic rows together and writes its files, the manifest last.</summary>
public sealed class AssembleDataset(PipelineStorage storage, DatasetParts parts, TimeProvider time)
{
    public const string Name = nameof(AssembleDataset);

    [Function(Name)]
    public async Task<DatasetOutput> Run([ActivityTrigger] DatasetPlanned planned, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(planned);
        DirectoryInfo folder = Directory.CreateTempSubdirectory("pipeline-dataset-");
        try
        {
            SyntheticRows? made = await storage.Files.ReadJsonAsync<SyntheticRows>(
                BlobLayout.BuildSynthetic(planned.DatasetId, planned.Instance),
                cancellation
            );
            (DatasetPlan plan, DatasetBuild build) = await parts.AssembleAsync(
                planned,
                folder.FullName,
                made,
                cancellation
            );
            (string runId, string datasetId) = (planned.Input.RunId, build.Manifest.DatasetId);
            if (runId.Length > 0)
            {
                // for a run that the version before has started, which wrote them here
                await storage.Files.WriteJsonAsync(BlobLayout.RunSettings(runId), plan.Settings, cancellation);
            }

            BaselineForecast? forecast = await ForecastAsync(build, cancellation);
            await storage.Files.WriteAsync(
                BlobLayout.Dataset(datasetId, BlobLayout.AuditPageFile),
                Encoding.UTF8.GetBytes(AuditPage.Write(build.Manifest, build.Audit, forecast)),
                cancellation
            );
            await WriteFilesAsync(build, cancellation);
            await storage.Runs.UpdateAsync(
                runId,
                run =>
                    run with
                    {
                        DatasetId = datasetId,
                        LinearAccuracy = forecast?.Scores.GetValueOrDefault(Baseline.Linear)?.Accuracy,
                        UpdatedAt = time.GetUtcNow(),
                    },
                cancellation
            );
            return Output(build, plan.Settings.Review);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Writes exports and files, the manifest last.</summary>
    private async Task WriteFilesAsync(DatasetBuild build, CancellationToken cancellation)
    {
        IEnumerable<string> exports =
        [
            .. await HuggingFaceLayout.WriteAsync(build.Folder, build.Manifest, cancellation),
            .. OpenAiMessages.Write(build.Folder, build.Manifest),
        ];
        foreach (string name in exports.Concat(build.Files))
        {
            await storage.Files.WriteFileAsync(
                BlobLayout.Dataset(build.Manifest.DatasetId, name),
                Path.Combine(build.Folder, name),
                cancellation
            );
        }
    }

    /// <summary>What needs no language model reaches, written beside the dataset's files.</summary>
    private async Task<BaselineForecast?> ForecastAsync(DatasetBuild build, CancellationToken cancellation)
    {
        BaselineForecast? forecast = DatasetBaselines.Forecast(build.Folder, build.Manifest.Labels);
        if (forecast is not null)
        {
            await storage.Files.WriteJsonAsync(
                BlobLayout.Dataset(build.Manifest.DatasetId, BlobLayout.BaselineFile),
                forecast,
                cancellation
            );
        }

        return forecast;
    }

    private static DatasetOutput Output(DatasetBuild build, ReviewSettings review)
    {
        int answers = build.Manifest.Corrections?.NamedAccepted ?? 0;
        return new DatasetOutput(build.Manifest.DatasetId, build.Fault?.Message)
        {
            NeedsAnswers = review.Unlabelled && answers < review.Rows,
            Answers = answers,
        };
    }
}

/// <summary>What a dataset came to.</summary>
/// <param name="DatasetId">Its id.</param>
/// <param name="Fault">Why nothing can be trained on it; <c>null</c>: it can.</param>
/// <param name="NeedsSettings">Whether the fault is a question that the project's settings can answer.</param>
public sealed record DatasetOutput(string DatasetId, string? Fault, bool NeedsSettings = false)
{
    /// <summary>Whether its texts have no answers, and people have given fewer than they are to give.</summary>
    public bool NeedsAnswers { get; init; }

    /// <summary>Answers of reviewers with a key that are in it.</summary>
    public int Answers { get; init; }
}
