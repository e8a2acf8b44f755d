using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Pipeline.Contracts;

namespace Pipeline.Functions.Triggers;

/// <summary>
/// Bodies in and answers out, the same for every HTTP function: JSON in camelCase, faults as one message.
/// </summary>
internal static class HttpAnswer
{
    private const int LargestBody = 1 << 20;

    public static IResult Ok<T>(T value) => Results.Json(value, ContractJson.Compact);

    public static IResult Accepted<T>(string location, T value) => new Answer<T>(202, location, value);

    public static IResult BadRequest(string error) =>
        Results.Json(new { error }, ContractJson.Compact, statusCode: 400);

    /// <summary>What is asked for does not go with the state that something is in.</summary>
    public static IResult Conflict(string error) => Results.Json(new { error }, ContractJson.Compact, statusCode: 409);

    /// <summary>Not the caller's fault.</summary>
    public static IResult Failed(string error) => Results.Json(new { error }, ContractJson.Compact, statusCode: 500);

    public static IResult NotFound(string error) => Results.Json(new { error }, ContractJson.Compact, statusCode: 404);

    /// <summary>
    /// A page that was written as one file without script, and may do nothing; or that there is none.
    /// </summary>
    public static IResult Document(byte[]? page, string missing) =>
        page is null
            ? NotFound(missing)
            : Page(
                Encoding.UTF8.GetString(page),
                "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
            );

    /// <summary>A page and what it may do.</summary>
    public static IResult Page(string html, string policy) => new HtmlPage(html, policy);

    public static IResult NoProject(string project) =>
        BadRequest($"'{project}' cannot name a project: use 3 to 40 of a-z, 0-9 and '-'.");

    /// <summary>The body as text; <c>null</c>: it is too long.</summary>
    public static async Task<string?> BodyAsync(HttpRequest request, CancellationToken cancellation)
    {
        if (request.ContentLength > LargestBody)
        {
            return null;
        }

        using var reader = new StreamReader(request.Body, Encoding.UTF8);
        var buffer = new char[LargestBody + 1];
        int length = await reader.ReadBlockAsync(buffer, cancellation);
        return length > LargestBody ? null : new string(buffer, 0, length);
    }

    /// <summary>The body as a contract, or what is wrong with it.</summary>
    public static async Task<(T? Value, string? Fault)> JsonAsync<T>(
        HttpRequest request,
        CancellationToken cancellation
    )
        where T : class
    {
        string? body = await BodyAsync(request, cancellation);
        if (body is null)
        {
            return (null, $"The body is longer than {LargestBody} bytes.");
        }

        try
        {
            return (ContractJson.Read<T>(body), null);
        }
        catch (JsonException fault)
        {
            return (null, $"The body is not the JSON expected: {fault.Message}");
        }
    }

    private sealed class HtmlPage(string html, string policy) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            IHeaderDictionary headers = httpContext.Response.Headers;
            headers.ContentSecurityPolicy = policy;
            headers.XContentTypeOptions = "nosniff";
            headers["Referrer-Policy"] = "no-referrer"; // the address may hold a key
            headers.CacheControl = "no-store";
            return Results.Content(html, "text/html", Encoding.UTF8).ExecuteAsync(httpContext);
        }
    }

    private sealed class Answer<T>(int status, string location, T value) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.Headers.Location = location;
            return Results.Json(value, ContractJson.Compact, statusCode: status).ExecuteAsync(httpContext);
        }
    }
}
