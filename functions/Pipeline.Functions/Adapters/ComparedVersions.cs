using Microsoft.AspNetCore.Http;
using Microsoft.DurableTask.Client;
using Pipeline.Contracts;
using Pipeline.Functions.Durable;
using Pipeline.Functions.Http;
using Pipeline.Functions.Training;
using Pipeline.Storage;

namespace Pipeline.Functions.Adapters;

/// <summary>Two published versions that a call names.</summary>
/// <param name="Registry">Of their project.</param>
/// <param name="Versions">The versions.</param>
internal sealed record ComparedVersions(RegistryPointer Registry, VersionPair Versions)
{
    /// <summary>The job in which the older one answers the newer one's rows.</summary>
    public string JobId => BlobLayout.ComparisonJob(Registry.Project, Versions.Older, Versions.Newer);

    /// <summary>The instance that waits for that job.</summary>
    public string InstanceId => TrainingWatch.InstanceOf(JobId);

    /// <summary>Reads them from a call's <c>versions</c>.</summary>
    /// <returns>The versions, or the refusal: 400 or 404.</returns>
    public static async Task<(ComparedVersions? Compared, IResult? Refusal)> ReadAsync(
        PipelineStorage storage,
        HttpRequest request,
        string project,
        CancellationToken cancellation
    )
    {
        if (!BlobLayout.IsProjectName(project))
        {
            return (null, HttpResults.NoProject(project));
        }

        List<int> versions = [];
        foreach (string text in request.Query["versions"].ToString().Split(','))
        {
            if (!VersionNumber.TryParse(text, out int version))
            {
                return (
                    null,
                    HttpResults.BadRequest(
                        $"Give 'versions', two numbers with a comma, such as 16,17. {VersionNumber.Fault(text)}"
                    )
                );
            }

            versions.Add(version);
        }

        if (versions.Count != 2 || versions[0] == versions[1])
        {
            return (
                null,
                HttpResults.BadRequest("Give 'versions', two different numbers with a comma, such as 16,17.")
            );
        }

        RegistryPointer registry = await storage.Registry.GetAsync(project, cancellation);
        return versions.FirstOrDefault(v => !registry.Published.Contains(v)) is var missing and > 0
            ? (null, HttpResults.NotFound($"V{missing} of '{project}' is not published."))
            : (new ComparedVersions(registry, new VersionPair(versions.Min(), versions.Max())), null);
    }

    /// <summary>Where the older one's answers to the newer one's rows stand.</summary>
    /// <param name="client">Of the durable backend.</param>
    /// <param name="isComplete">Whether it has answered them all.</param>
    /// <param name="cancellation">Ends the call.</param>
    public async Task<(OlderAnswers State, string? Fault)> StateAsync(
        DurableTaskClient client,
        bool isComplete,
        CancellationToken cancellation
    )
    {
        if (isComplete)
        {
            return (OlderAnswers.Complete, null);
        }

        return await client.GetInstanceAsync(InstanceId, true, cancellation) switch
        {
            null => (OlderAnswers.Partial, null),
            { IsCompleted: false } => (OlderAnswers.Running, null),
            { RuntimeStatus: OrchestrationRuntimeStatus.Completed } ended => ended.ReadOutputAs<TrainingEnd>() switch
            {
                { Result.Error: { } fault } => (OlderAnswers.Failed, fault),
                _ => (OlderAnswers.Partial, null), // answered, and its files were deleted since
            },
            { } failed => (OlderAnswers.Failed, failed.FailureReason()),
        };
    }
}
