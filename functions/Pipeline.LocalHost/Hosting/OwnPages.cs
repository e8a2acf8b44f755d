using Microsoft.AspNetCore.Http;

namespace Pipeline.LocalHost.Hosting;

/// <summary>
/// A page of another site must neither act nor read here through a browser. Browsers say with each request where it
/// comes from (W3C Fetch Metadata): what another page sends is refused, whatever its form, but for a person who follows
/// a link to a page of ours. Programs send none of these headers.
/// </summary>
internal static class OwnPages
{
    private const string Site = "Sec-Fetch-Site";
    private const string Mode = "Sec-Fetch-Mode";
    private const string Destination = "Sec-Fetch-Dest";
    private const string Page = "document";

    /// <summary>No browser, a page of ours, an address that was typed.</summary>
    private static readonly string[] OwnSites = ["", "same-origin", "none"];

    public static Task CheckAsync(HttpContext context, RequestDelegate next)
    {
        IHeaderDictionary headers = context.Response.Headers;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer"; // the address may hold a key
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers.XFrameOptions = "DENY";
        HttpRequest request = context.Request;
        string? origin = request.Headers.Origin;
        bool isRead = HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method);
        bool isOwn =
            (string.IsNullOrEmpty(origin) || origin == $"{request.Scheme}://{request.Host}")
            && OwnSites.Contains(request.Headers[Site].ToString());
        bool isFollowedLink = isRead && request.Headers[Mode] == "navigate" && request.Headers[Destination] == Page;
        return isOwn || isFollowedLink
            ? next(context)
            : Refusal.WriteAsync(
                context,
                StatusCodes.Status403Forbidden,
                $"A page of {(string.IsNullOrEmpty(origin) ? "another site" : $"'{origin}'")} may neither read nor "
                    + "change anything here."
            );
    }
}
