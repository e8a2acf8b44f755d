using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Configuration;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Datasets.Building;
using Pipeline.Functions.Orchestrations;
using Pipeline.Functions.Triggers;
using Pipeline.Storage;

namespace Pipeline.Functions.Activities;

/// <summary>
/// Reads the raw files once and plans the dataset: what its rows have in common, and in which parts they are judged.
/// </summary>
public sealed class PlanDataset(
    PipelineStorage storage,
    ProjectReader projects,
    RunStarter starter,
    DatasetSources sources,
    IConfiguration configuration
)
{
    public const string Name = nameof(PlanDataset);

    /// <summary>Setting: bytes of a part, at least; default 32 MiB. A file of fewer is one part.</summary>
    public const string PartBytes = "PIPELINE_PART_BYTES";
    private const long DefaultPartBytes = 32L << 20;

    [Function(Name)]
    public async Task<DatasetPlanned> Run([ActivityTrigger] DatasetToPlan plan, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(plan);
        PipelineInput input = plan.Input;
        DatasetPlanned Fault(string reason) => new(input, plan.Instance, "", 0, [], [], false, reason);
        DirectoryInfo folder = Directory.CreateTempSubdirectory("pipeline-plan-");
        try
        {
            if (input.RunId.Length > 0 && !await starter.IsCurrentAsync(input, cancellation))
            {
                return Fault(
                    $"'{input.Source}' or the project's settings changed after the run was started; the change starts a run of its own."
                );
            }

            ProjectSettings settings = await projects.SettingsAsync(input.Project, cancellation);
            IReadOnlyList<string> corrected = await projects.CorrectedAsync(input.Project, input.Source, cancellation);
            (DatasetRequest request, IReadOnlyList<string> tags) = await sources.OpenAsync(
                input,
                settings,
                await projects.WithdrawnAsync(input.Project, cancellation),
                corrected,
                null,
                folder.FullName,
                cancellation
            );
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
            return Fault(fault.Message); // what a person dropped is wrong: no retry mends it
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
