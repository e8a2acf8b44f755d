using System.Buffers.Text;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Functions.Http;
using Pipeline.Storage;

namespace Pipeline.Functions.Retraining;

/// <summary>
/// <c>POST /api/projects/{project}/reviewers</c> with <c>{"name": NAME}</c>: issues a key that names a reviewer; it is
/// shown once. The same name again gets a new key, and the old one names nobody any more.
/// </summary>
public sealed class PostReviewer(PipelineStorage storage, TimeProvider time)
{
    private const int LongestName = 200;

    [Function(nameof(PostReviewer))]
    public async Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "post", Route = "projects/{project}/reviewers")] HttpRequest request,
        string project,
        CancellationToken cancellation
    )
    {
        if (!BlobLayout.IsProjectName(project))
        {
            return HttpResults.NoProject(project);
        }

        (ReviewerBody? body, string? fault) = await RequestBody.JsonAsync<ReviewerBody>(request, cancellation);
        string name = body?.Name?.Trim() ?? "";
        if (name.Length is 0 or > LongestName)
        {
            return HttpResults.BadRequest(
                fault ?? $"Give 'name', the reviewer's, of at most {LongestName} characters."
            );
        }

        string key = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        await storage.Files.UpdateJsonAsync(
            BlobLayout.Reviewers(project),
            new ReviewerKeys([]),
            known => known.With(name, key, time.GetUtcNow()),
            cancellation
        );
        return TypedResults.Ok(new { name, key });
    }
}

/// <summary><c>DELETE /api/projects/{project}/reviewers/{name}</c>: a reviewer's key names nobody any more.</summary>
public sealed class DeleteReviewer(PipelineStorage storage)
{
    [Function(nameof(DeleteReviewer))]
    public async Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "delete", Route = "projects/{project}/reviewers/{name}")]
            HttpRequest request,
        string project,
        string name,
        CancellationToken cancellation
    )
    {
        if (!BlobLayout.IsProjectName(project))
        {
            return HttpResults.NoProject(project);
        }

        ReviewerKeys? known = await storage.Files.ReadJsonAsync<ReviewerKeys>(
            BlobLayout.Reviewers(project),
            cancellation
        );
        if (known?.Reviewers.Any(r => r.Name == name) != true)
        {
            return HttpResults.NotFound($"'{project}' has no reviewer '{name}'.");
        }

        await storage.Files.UpdateJsonAsync(
            BlobLayout.Reviewers(project),
            new ReviewerKeys([]),
            k => k.Without(name),
            cancellation
        );
        return TypedResults.Ok(new { name, deleted = true });
    }
}

/// <summary>Whom a key is issued for.</summary>
public sealed record ReviewerBody(string? Name);
