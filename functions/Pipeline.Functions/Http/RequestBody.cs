using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Pipeline.Contracts;

namespace Pipeline.Functions.Http;

/// <summary>Bodies of calls, none longer than 1 MiB.</summary>
internal static class RequestBody
{
    private const int LargestBody = 1 << 20;

    /// <summary>The body as text; <c>null</c>: it is too long.</summary>
    public static async Task<string?> TextAsync(HttpRequest request, CancellationToken cancellation)
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
    /// <param name="request">The call.</param>
    /// <param name="cancellation">Ends the call.</param>
    /// <param name="empty">What an empty body means; <c>null</c>: that it is missing.</param>
    public static async Task<(T? Value, string? Fault)> JsonAsync<T>(
        HttpRequest request,
        CancellationToken cancellation,
        T? empty = null
    )
        where T : class
    {
        string? body = await TextAsync(request, cancellation);
        if (body is null)
        {
            return (null, $"The body is longer than {LargestBody} bytes.");
        }

        try
        {
            return (empty is not null && string.IsNullOrWhiteSpace(body) ? empty : ContractJson.Read<T>(body), null);
        }
        catch (JsonException fault)
        {
            return (null, $"The body is not the JSON expected: {fault.Message}");
        }
    }
}
