using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Pipeline.Contracts;
using Pipeline.Functions.Http;
using Pipeline.Functions.Projects;
using Pipeline.Functions.Runs;
using Pipeline.Functions.Verdicts;
using Pipeline.Storage;

namespace Pipeline.Functions.Deletion;

/// <summary>
/// <c>DELETE /api/projects/{project}?confirm={project}</c>: removes a project with all that belongs to it: raw files,
/// settings, datasets, runs, versions, feedback, registry. Refused while one of its runs runs.
/// </summary>
public sealed class DeleteProject(PipelineStorage storage, RunPurge purge, VerdictLog verdicts, CodeBooks books)
{
    [Function(nameof(DeleteProject))]
    public async Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "delete", Route = "projects/{project}")] HttpRequest request,
        string project,
        [DurableClient] DurableTaskClient client,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(request);
        if (!BlobLayout.IsProjectName(project))
        {
            return HttpResults.NoProject(project);
        }

        if (request.Query["confirm"] != project)
        {
            return HttpResults.BadRequest(
                $"This removes '{project}' with its files, datasets, versions and feedback for good; "
                    + $"call it with ?confirm={project}."
            );
        }

        IReadOnlyList<RunRecord> runs = await storage.Runs.ListAsync(project, cancellation);
        RegistryPointer registry = await storage.Registry.GetAsync(project, cancellation);
        string[] datasets = DatasetsOf(runs, registry);
        foreach (RunRecord run in runs)
        {
            if (await purge.PurgeAsync(client, run, cancellation) is { } refusal)
            {
                return HttpResults.Conflict($"'{project}' is not deleted: {refusal}");
            }
        }

        await DeleteBlobsAsync(project, datasets, cancellation);
        verdicts.Forget(project);
        books.Forget(project);
        return TypedResults.Ok(
            new
            {
                project,
                runs = runs.Count,
                datasets = datasets.Length,
                versions = registry.Published.Count,
            }
        );
    }

    private static string[] DatasetsOf(IReadOnlyList<RunRecord> runs, RegistryPointer registry) =>
        [
            .. runs.Select(r => r.DatasetId)
                .Concat(registry.Versions.Values.Select(v => v.DatasetId))
                .OfType<string>()
                .Distinct(StringComparer.Ordinal),
        ];

    private async Task DeleteBlobsAsync(string project, string[] datasets, CancellationToken cancellation)
    {
        foreach (string dataset in datasets)
        {
            await storage.Files.DeletePrefixAsync(
                BlobLayout.DatasetsContainer,
                BlobLayout.DatasetPrefix(dataset),
                cancellation
            );
        }

        foreach (
            string container in (string[])
                [
                    BlobLayout.RawContainer,
                    BlobLayout.FeedbackContainer,
                    BlobLayout.AdaptersContainer,
                    BlobLayout.ProjectsContainer,
                ]
        )
        {
            await storage.Files.DeletePrefixAsync(container, BlobLayout.PrefixOf(project), cancellation);
        }

        await storage.Files.DeletePrefixAsync(
            BlobLayout.JobsContainer,
            BlobLayout.ComparisonJobs(project),
            cancellation
        );
        await storage.Files.DeleteAsync(BlobLayout.Registry(project), cancellation);
    }
}
