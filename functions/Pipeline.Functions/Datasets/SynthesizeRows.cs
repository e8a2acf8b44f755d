using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Datasets.Building;
using Pipeline.Datasets.Synthesis;
using Pipeline.Functions.Models;
using Pipeline.Storage;

namespace Pipeline.Functions.Datasets;

/// <summary>
/// Makes the rows that project.yaml asks for, after the training rows. It works for some minutes at a time; every
/// answer bought is kept.
/// </summary>
public sealed class SynthesizeRows(PipelineStorage storage, DatasetParts parts, ModelClients models, TimeProvider time)
{
    public const string Name = nameof(SynthesizeRows);

    // an activity may run five minutes on the smallest plan
    private static readonly TimeSpan TurnDuration = TimeSpan.FromMinutes(4);

    [Function(Name)]
    public async Task<SynthesisTurn> Run([ActivityTrigger] DatasetPlanned planned, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(planned);
        DirectoryInfo folder = Directory.CreateTempSubdirectory("pipeline-synthesis-");
        try
        {
            (DatasetPlan plan, DatasetBuild build) = await parts.AssembleAsync(
                planned,
                folder.FullName,
                null,
                cancellation
            );
            if (build.Manifest.Rows.Train == 0)
            {
                return new SynthesisTurn(true, null);
            }

            using var pause = new CancellationTokenSource(TurnDuration, time);
            var synthesis = new RowSynthesis(
                plan.Settings.Synthesis.Model is { } model ? models.For(model.Deployment) : null,
                new BlobResponseCache(storage, planned.Input.Project),
                ModelClients.Missing
            );
            SyntheticRows made = await synthesis.MakeAsync(
                build.Manifest.Settings,
                build.Manifest.Labels,
                DatasetBuilder.TrainingRows(build),
                pause.Token,
                cancellation
            );
            await storage.Files.WriteJsonAsync(
                BlobLayout.BuildSynthetic(planned.DatasetId, planned.Instance),
                made,
                cancellation
            );
            return new SynthesisTurn(made.IsWhole, null);
        }
        catch (Exception fault) when (fault is DatasetException or InvalidDataException)
        {
            return new SynthesisTurn(true, fault.Message);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}

/// <summary>Some minutes of making rows.</summary>
/// <param name="IsWhole">Whether all is made that can be had.</param>
/// <param name="Fault">Why nothing can be made; <c>null</c>: it can.</param>
public sealed record SynthesisTurn(bool IsWhole, string? Fault);
