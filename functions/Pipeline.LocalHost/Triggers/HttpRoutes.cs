using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Azure.Functions.Worker;
using Pipeline.LocalHost.Hosting;

namespace Pipeline.LocalHost.Triggers;

/// <summary>Maps HTTP functions under <c>/api/</c>, with the key that they ask for.</summary>
internal static class HttpRoutes
{
    private const string WithoutKey =
        "This call needs the key that the host has printed: as the header x-functions-key, or as ?code=.";

    public static void Map(IEndpointRouteBuilder routes, FunctionCatalog catalog, string? key)
    {
        foreach ((HostedFunction function, HttpTriggerAttribute trigger) in catalog.TriggeredBy<HttpTriggerAttribute>())
        {
            routes.MapMethods(
                "/api/" + (trigger.Route ?? function.Name),
                trigger.Methods ?? ["GET", "POST"],
                async (HttpContext context) =>
                {
                    if (!FunctionKey.Allows(context.Request, trigger.AuthLevel, key))
                    {
                        await Refusal.WriteAsync(context, StatusCodes.Status401Unauthorized, WithoutKey);
                        return;
                    }

                    object? result = await catalog.InvokeAsync(
                        function,
                        p =>
                            p == function.TriggerParameter
                                ? context.Request
                                : context.GetRouteValue(p.Name!)?.ToString(),
                        context.RequestAborted
                    );
                    if (result is IResult answer)
                    {
                        await answer.ExecuteAsync(context);
                    }
                }
            );
        }
    }
}
