using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Functions.Http;

namespace Pipeline.Functions.Withdrawals;

/// <summary>
/// <c>GET /api/projects/{project}/affected?source=NAME&amp;row=N</c>: the datasets that saw a raw row, and the adapters
/// trained on them.
/// </summary>
public sealed class GetAffected(AffectedRows rows)
{
    [Function(nameof(GetAffected))]
    public async Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "projects/{project}/affected")] HttpRequest request,
        string project,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(request);
        if (!BlobLayout.IsProjectName(project))
        {
            return HttpResults.NoProject(project);
        }

        string source = request.Query["source"].ToString();
        if (
            source.Length == 0
            || !int.TryParse(request.Query["row"], System.Globalization.CultureInfo.InvariantCulture, out int row)
            || row < 1
        )
        {
            return HttpResults.BadRequest(
                "Give 'source', the file's name as rows have it, and 'row', the row's number from 1."
            );
        }

        return TypedResults.Ok(await rows.FindAsync(project, [$"{source}#{row}"], cancellation));
    }
}
