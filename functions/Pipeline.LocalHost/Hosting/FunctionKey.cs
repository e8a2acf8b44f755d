using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Pipeline.LocalHost.Files;

namespace Pipeline.LocalHost.Hosting;

/// <summary>
/// The key that HTTP functions ask for where the host can be reached from other machines, as Azure Functions does: in
/// the header <c>x-functions-key</c> or as
/// <c>?code=</c>. On loopback none is asked for.
/// </summary>
public static class FunctionKey
{
    private const string FileName = "function.key";
    private const int Bytes = 32;
    private const string Header = "x-functions-key";
    private const string Query = "code";

    /// <summary>The key of a data folder; <c>null</c>: none was made.</summary>
    public static string? Read(string dataDirectory)
    {
        string path = Path.Combine(dataDirectory, FileName);
        return File.Exists(path) ? File.ReadAllText(path).Trim() : null;
    }

    /// <summary>The key of a data folder, made once; only its owner can read the file.</summary>
    public static string ReadOrCreate(string dataDirectory) =>
        DataFolder.Secret(
            Path.Combine(dataDirectory, FileName),
            Bytes,
            bytes => Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_')
        );

    /// <summary>Adds the key to a client's calls.</summary>
    public static void AddTo(HttpClient client, string key)
    {
        ArgumentNullException.ThrowIfNull(client);
        client.DefaultRequestHeaders.Add(Header, key);
    }

    /// <summary>Whether a request may call a function.</summary>
    /// <param name="request">The request.</param>
    /// <param name="level">What the function asks for.</param>
    /// <param name="key">The host's key; <c>null</c>: it asks for none.</param>
    public static bool Allows(HttpRequest request, AuthorizationLevel level, string? key)
    {
        ArgumentNullException.ThrowIfNull(request);
        string? given = request.Headers[Header].FirstOrDefault() ?? request.Query[Query].FirstOrDefault();
        return key is null
            || level == AuthorizationLevel.Anonymous
            || (
                given is not null
                && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given), Encoding.UTF8.GetBytes(key))
            );
    }
}
