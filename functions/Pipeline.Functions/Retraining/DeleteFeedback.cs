using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Functions.Http;

namespace Pipeline.Functions.Retraining;

/// <summary>
/// <c>DELETE /api/projects/{project}/feedback/{id}</c>: takes a verdict back. It counts no more, no later dataset has
/// its correction, and the log keeps both.
/// </summary>
public sealed class DeleteFeedback(VerdictIntake intake)
{
    [Function(nameof(DeleteFeedback))]
    public async Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "delete", Route = "projects/{project}/feedback/{id}")]
            HttpRequest request,
        string project,
        string id,
        CancellationToken cancellation
    )
    {
        if (!BlobLayout.IsProjectName(project))
        {
            return HttpResults.NoProject(project);
        }

        (bool found, string? refusal) = await intake.WithdrawAsync(project, id, cancellation);
        return !found ? HttpResults.NotFound($"'{project}' has no verdict '{id}' that counts.")
            : refusal is not null ? HttpResults.Conflict($"{refusal}; nothing was taken back, try again tomorrow.")
            : TypedResults.Ok(new { id, withdrawn = true });
    }
}
