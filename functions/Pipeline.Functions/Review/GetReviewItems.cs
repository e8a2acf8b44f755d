using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Functions.Http;

namespace Pipeline.Functions.Review;

/// <summary>
/// <c>GET /api/projects/{project}/queue</c>: what is left for people to decide, in the order in which it is offered,
/// and
/// how much of each kind; <c>?kind=unlabelled&amp;take=20</c>.
/// </summary>
public sealed class GetReviewItems(ReviewQueues queues, TimeProvider time)
{
    private const int DefaultTake = 20;
    private const int MaxTake = 1_000;

    [Function(nameof(GetReviewItems))]
    public async Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "projects/{project}/queue")] HttpRequest request,
        string project,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(request);
        if (!BlobLayout.IsProjectName(project))
        {
            return HttpResults.NoProject(project);
        }

        string given = request.Query["kind"].ToString();
        if (!QueryCount.TryRead(request, "take", DefaultTake, MaxTake, out int take))
        {
            return HttpResults.BadRequest($"'take' is a whole number of at most {MaxTake:N0}.");
        }

        ReviewKind[] kinds = Enum.GetValues<ReviewKind>();
        if (given.Length > 0 && !kinds.Any(k => k.Name() == given))
        {
            return HttpResults.BadRequest($"'kind' is one of {string.Join(", ", kinds.Select(k => k.Name()))}.");
        }

        try
        {
            ProjectReview queue = await queues.GetAsync(project, cancellation);
            ReviewItem[] items = [.. queue.Items.Where(i => given.Length == 0 || i.Kind.Name() == given)];
            return TypedResults.Ok(
                new QueueView(
                    queue.Items.CountBy(i => i.Kind.Name()).ToDictionary(),
                    queue.Candidates,
                    queue.Verdicts.Count,
                    ReviewQueues.WithLeases(
                        [.. items.Take(take)],
                        await queues.LeasesAsync(project, cancellation),
                        time.GetUtcNow()
                    )
                )
            );
        }
        catch (DatasetException fault)
        {
            return HttpResults.BadRequest(fault.Message);
        }
    }
}

/// <summary>A project's review queue.</summary>
/// <param name="Counts">Items by kind; of rows at most 500 a kind are listed at a time.</param>
/// <param name="Candidates">Rows of the newest dataset that a person could decide on, answered ones too.</param>
/// <param name="Answered">Texts that somebody has answered.</param>
/// <param name="Items">The first items.</param>
public sealed record QueueView(
    IReadOnlyDictionary<string, int> Counts,
    int Candidates,
    int Answered,
    IReadOnlyList<ReviewItem> Items
);
