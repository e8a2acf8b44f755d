using Microsoft.AspNetCore.Http;

namespace Pipeline.LocalHost.Hosting;

/// <summary>
/// A page of another site must not act here through a browser: what changes something is taken from the host's own
/// pages, and from programs, which name no origin.
/// </summary>
internal static class OwnPages
{
    public static Task CheckAsync(HttpContext context, RequestDelegate next)
    {
        HttpRequest request = context.Request;
        string? origin = request.Headers.Origin;
        if (
            HttpMethods.IsGet(request.Method)
            || HttpMethods.IsHead(request.Method)
            || string.IsNullOrEmpty(origin)
            || origin == $"{request.Scheme}://{request.Host}"
        )
        {
            return next(context);
        }

        return Refusal.WriteAsync(
            context,
            StatusCodes.Status403Forbidden,
            $"A page of '{origin}' may change nothing here."
        );
    }
}
