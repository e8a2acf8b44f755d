using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Pipeline.Functions.Http;

namespace Pipeline.Functions.Dashboard;

/// <summary>
/// <c>GET /api/dashboard/{file}</c>: script and style of the page of runs, the same for everybody and so without a key.
/// </summary>
public sealed class GetDashboardFile
{
    [Function(nameof(GetDashboardFile))]
    public IResult Run(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "dashboard/{file}")] HttpRequest request,
        string file
    ) =>
        DashboardPage.File(file) is { } found
            ? TypedResults.Content(found.Text, found.Type, Encoding.UTF8)
            : HttpResults.NotFound($"The page has no file '{file}'.");
}
