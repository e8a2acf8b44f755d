using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Pipeline.Functions.Http;

namespace Pipeline.Functions.Dashboard;

/// <summary>
/// <c>GET /api/dashboard</c>: the page of runs. Where the app asks for a key, <c>?code=</c> is passed on to what the
/// page calls.
/// </summary>
public sealed class GetDashboard
{
    [Function(nameof(GetDashboard))]
    public IResult Run([HttpTrigger(AuthorizationLevel.Function, "get", Route = "dashboard")] HttpRequest request) =>
        HttpResults.Page(DashboardPage.Html, DashboardPage.Policy);
}
