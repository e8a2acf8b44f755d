using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Pipeline.Functions.Http;

/// <summary>
/// The answers of every HTTP function: contracts as JSON in camelCase, faults as ProblemDetails (RFC 9457).
/// </summary>
internal static class HttpResults
{
    private const string ReadOnlyPolicy =
        "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'";

    /// <summary>The call is wrong: 400.</summary>
    public static ProblemHttpResult BadRequest(string detail) => Problem(StatusCodes.Status400BadRequest, detail);

    /// <summary>A name that cannot be a project's: 400.</summary>
    public static ProblemHttpResult NoProject(string project) =>
        BadRequest($"'{project}' cannot name a project: use 3 to 40 of a-z, 0-9 and '-'.");

    /// <summary>Nothing has this name: 404.</summary>
    public static ProblemHttpResult NotFound(string detail) => Problem(StatusCodes.Status404NotFound, detail);

    /// <summary>The call does not go with the state that something is in: 409.</summary>
    public static ProblemHttpResult Conflict(string detail) => Problem(StatusCodes.Status409Conflict, detail);

    /// <summary>The caller has sent as much as it may: 429, with the time after which it may again.</summary>
    public static ProblemHttpResult TooMany(HttpRequest request, string detail, TimeSpan after)
    {
        request.HttpContext.Response.Headers.RetryAfter = Math.Ceiling(after.TotalSeconds)
            .ToString(CultureInfo.InvariantCulture);
        return Problem(StatusCodes.Status429TooManyRequests, detail);
    }

    /// <summary>Not the caller's fault: 500.</summary>
    public static ProblemHttpResult Failed(string detail) => Problem(StatusCodes.Status500InternalServerError, detail);

    /// <summary>
    /// A page that was written as one file without script, and may do nothing; <c>null</c>: 404 with these words.
    /// </summary>
    public static IResult Document(byte[]? page, string missing) =>
        page is null ? NotFound(missing) : Page(Encoding.UTF8.GetString(page), ReadOnlyPolicy);

    /// <summary>A page and what it may do.</summary>
    public static IResult Page(string html, string policy) => new HtmlPage(html, policy, "no-referrer");

    /// <summary>
    /// A page with a form that is sent to its own address. Under <c>no-referrer</c> a browser would send it with
    /// <c>Origin: null</c>, as a form of nobody's. Source: Fetch standard, "append a request Origin header".
    /// </summary>
    public static IResult FormPage(string html, string policy) => new HtmlPage(html, policy, "same-origin");

    /// <summary>
    /// The problem; its words stand in <c>detail</c>, and for one version in <c>error</c> too, where they stood before.
    /// </summary>
    private static ProblemHttpResult Problem(int status, string detail) =>
        TypedResults.Problem(detail, statusCode: status, extensions: [KeyValuePair.Create("error", (object?)detail)]);

    private sealed class HtmlPage(string html, string policy, string referrerPolicy) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            IHeaderDictionary headers = httpContext.Response.Headers;
            headers.ContentSecurityPolicy = policy;
            headers.XContentTypeOptions = "nosniff";
            headers["Referrer-Policy"] = referrerPolicy; // to others never: the address may hold a key
            headers.CacheControl = "no-store";
            return TypedResults.Content(html, "text/html", Encoding.UTF8).ExecuteAsync(httpContext);
        }
    }
}
