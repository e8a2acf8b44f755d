using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Configuration;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Datasets.Building;
using Pipeline.Functions.Projects;
using Pipeline.Storage;

namespace Pipeline.Functions.Datasets;

/// <summary>
/// Plans the dataset: what its rows have in common, and in which parts they are validated.
/// </summary>
public sealed class PlanDataset(
    PipelineStorage storage,
    ProjectReader projects,
    DatasetSources sources,
    IConfiguration configuration
)
{
    public const string Name = nameof(PlanDataset);

    /// <summary>Setting: minimum bytes of a part; default 32 MiB. A file of fewer is one part.</summary>
    public const string PartBytes = "PIPELINE_PART_BYTES";
    private const long DefaultPartBytes = 32L << 20;

    [Function(Name)]
    public async Task<DatasetPlanned> Run([ActivityTrigger] DatasetToPlan plan, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(plan);
        PipelineInput input = plan.Input;
        DatasetPlanned Fault(string reason, bool needsSettings = false) =>
            new(input, plan.Instance, "", 0, [], [], false, reason, needsSettings);
        DirectoryInfo folder = Directory.CreateTempSubdirectory("pipeline-plan-");
        try
        {
            ProjectSettings settings = await projects.SettingsAsync(input, cancellation);
            IReadOnlyList<string> corrected = await projects.CorrectedAsync(input.Project, input.Source, cancellation);
            IReadOnlyList<string> withdrawn = await projects.WithdrawnAsync(input.Project, cancellation);
            (DatasetRequest request, IReadOnlyList<string> tags) = await sources.OpenAsync(
                new DatasetSource(input, settings, withdrawn, corrected, null),
                folder.FullName,
                cancellation
            );
            bool hasChanged = input.SourceSha256 is { } known
                ? known != request.Files[0].Sha256
                : input.RunId.Length > 0
                    && input.RunId != RunIdentity.Create(input.Project, Content(input, request), settings);
            if (hasChanged)
            {
                return Fault(
                    $"'{input.Source}', its test set, its guard set, its corrected rows or the withdrawn rows changed "
                        + "after the run was started; the change starts a run of its own."
                );
            }

            DatasetPlan made = DatasetBuilder.Plan(request, configuration.GetValue(PartBytes, DefaultPartBytes));
            await storage.Files.WriteJsonAsync(BlobLayout.BuildPlan(made.DatasetId, plan.Instance), made, cancellation);
            return new DatasetPlanned(
                input,
                plan.Instance,
                made.DatasetId,
                made.Parts.Count,
                corrected,
                tags,
                settings.Synthesis.IsRequested,
                null
            );
        }
        catch (Exception fault) when (fault is DatasetException or InvalidDataException)
        {
            bool isQuestion = fault is DatasetException { Code: DatasetFaultCode.NeedsSettings };
            return Fault(fault.Message, isQuestion); // what a person dropped is wrong: no retry mends it
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>What goes into a run, as it was read now.</summary>
    private static RunContent Content(PipelineInput input, DatasetRequest request) =>
        new(
            request.Files[0].Sha256,
            request.TestFile?.Sha256,
            input.IsRetraining ? input.FeedbackBatch : null,
            [
                .. request
                    .Files.Skip(input.FeedbackBatch is not null && request.Corrections is null ? 2 : 1)
                    .Select(f => f.Sha256),
            ],
            request.Without
        )
        {
            Guard = request.GuardFile?.Sha256,
        };
}

/// <summary>A dataset to plan.</summary>
/// <param name="Input">What the run is about.</param>
/// <param name="Instance">The orchestration that builds the dataset.</param>
public sealed record DatasetToPlan(PipelineInput Input, string Instance);

/// <summary>A dataset as planned.</summary>
/// <param name="Input">What the run is about.</param>
/// <param name="Instance">The orchestration that builds the dataset.</param>
/// <param name="DatasetId">Its id.</param>
/// <param name="Parts">Parts to build.</param>
/// <param name="Mended">Blobs of corrected rows that are read after the source.</param>
/// <param name="Tags">ETags of the raw blobs, in the order read: no other content is taken.</param>
/// <param name="HasSynthesis">Whether rows are to be made.</param>
/// <param name="Fault">Why nothing can be built; <c>null</c>: it can.</param>
/// <param name="NeedsSettings">Whether the fault is a question that the project's settings can answer.</param>
public sealed record DatasetPlanned(
    PipelineInput Input,
    string Instance,
    string DatasetId,
    int Parts,
    IReadOnlyList<string> Mended,
    IReadOnlyList<string> Tags,
    bool HasSynthesis,
    string? Fault,
    bool NeedsSettings = false
);
