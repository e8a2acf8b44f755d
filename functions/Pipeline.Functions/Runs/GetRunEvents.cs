using System.Globalization;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Functions.Http;
using Pipeline.Storage;

namespace Pipeline.Functions.Runs;

/// <summary>
/// <c>GET /api/runs/{id}/events</c>: a run's progress as server-sent events, each line as it is written. The id of an
/// event is the place in the progress after it, so that a browser that was cut off goes on where it was.
/// </summary>
public sealed class GetRunEvents(PipelineStorage storage, TimeProvider time)
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(1);

    [Function(nameof(GetRunEvents))]
    public async Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "runs/{id}/events")] HttpRequest request,
        string id,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(request);
        if (await storage.Runs.GetAsync(id, cancellation) is null)
        {
            return HttpResults.NotFound($"There is no run '{id}'.");
        }

        _ = long.TryParse(
            request.Headers["Last-Event-ID"],
            NumberStyles.None,
            CultureInfo.InvariantCulture,
            out long position
        );
        return new QuietStream(stop => TypedResults.ServerSentEvents(Events(id, position, stop)), cancellation);
    }

    /// <summary>
    /// A stream that ends without a word when the browser leaves or the host stops: neither is a failed call. The
    /// browser comes back with Last-Event-ID, also when the host's functionTimeout has ended it.
    /// </summary>
    private sealed class QuietStream(Func<CancellationToken, IResult> stream, CancellationToken stopping) : IResult
    {
        public async Task ExecuteAsync(HttpContext httpContext)
        {
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(stopping, httpContext.RequestAborted);
            try
            {
                await stream(ended.Token).ExecuteAsync(httpContext);
            }
            catch (Exception fault)
                when (fault is OperationCanceledException or IOException
                    && (stopping.IsCancellationRequested || httpContext.RequestAborted.IsCancellationRequested)
                )
            {
                // nobody reads any more
            }
        }
    }

    private async IAsyncEnumerable<SseItem<string>> Events(
        string id,
        long position,
        [EnumeratorCancellation] CancellationToken cancellation
    )
    {
        using var timer = new PeriodicTimer(PollInterval, time);
        bool over = false;
        while (true)
        {
            byte[] bytes = await storage.Files.ReadFromAsync(BlobLayout.Progress(id), position, cancellation);
            for (int start = 0, end; (end = Array.IndexOf(bytes, (byte)'\n', start)) >= 0; start = end + 1)
            {
                position += end + 1 - start;
                yield return new SseItem<string>(Encoding.UTF8.GetString(bytes, start, end - start), "progress")
                {
                    EventId = position.ToString(CultureInfo.InvariantCulture),
                };
            }

            if (over)
            {
                yield return new SseItem<string>("{}", "end");
                yield break;
            }

            // once more after the end: its last lines
            over = await storage.Runs.GetAsync(id, cancellation) is not { IsUnderWay: true };
            if (!over)
            {
                await timer.WaitForNextTickAsync(cancellation);
            }
        }
    }
}
