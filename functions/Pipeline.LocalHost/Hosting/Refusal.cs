using Microsoft.AspNetCore.Http;

namespace Pipeline.LocalHost.Hosting;

/// <summary>What the host itself refuses, as ProblemDetails, like the functions' own faults.</summary>
internal static class Refusal
{
    /// <summary>Answers a call; for one version the words stand in <c>error</c> too.</summary>
    public static Task WriteAsync(HttpContext context, int status, string detail) =>
        TypedResults
            .Problem(detail, statusCode: status, extensions: [KeyValuePair.Create("error", (object?)detail)])
            .ExecuteAsync(context);
}
