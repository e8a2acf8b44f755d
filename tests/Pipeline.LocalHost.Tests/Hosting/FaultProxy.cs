using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Pipeline.LocalHost.Hosting;

namespace Pipeline.LocalHost.Tests.Hosting;

/// <summary>Stands between the app and the emulator and does what networks and services do on a bad day.</summary>
internal sealed class FaultProxy : IAsyncDisposable
{
    private static readonly string[] Skipped =
    [
        "Host",
        "Connection",
        "Transfer-Encoding",
        "Keep-Alive",
        "Content-Length",
    ];
    private readonly List<WebApplication> _apps = [];
    private readonly HttpClient _http = new(
        new SocketsHttpHandler
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
        }
    );
    private readonly Random _random = new(7);
    private readonly Lock _lock = new();

    /// <summary>Share of the requests that meet a fault, 0 to 1.</summary>
    public double Share { get; set; }

    /// <summary>Whether every request is refused.</summary>
    public bool Down { get; set; }

    /// <summary>Faults so far, by kind.</summary>
    public ConcurrentDictionary<string, int> Faults { get; } = new(StringComparer.Ordinal);

    public int Total => Faults.Values.Sum();

    /// <summary>The account behind the proxy.</summary>
    public string ConnectionString { get; private set; } = "";

    /// <summary>Options of a host whose storage is behind the proxy, and that never retrains by the clock.</summary>
    public HostOptions Options(string data, LogLines log) =>
        new()
        {
            DataDirectory = data,
            LogToConsole = false,
            Logs = log,
            Settings = new Dictionary<string, string?>
            {
                [StorageAccount.ConnectionSetting] = ConnectionString,
                ["RetrainingSchedule"] = "0 0 3 * * *",
            },
        };

    public static async Task<FaultProxy> StartAsync(string connection)
    {
        var proxy = new FaultProxy();
        var parts = new List<string>();
        foreach (string part in connection.Split(';', StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = part.IndexOf('=', StringComparison.Ordinal);
            string key = part[..equals];
            parts.Add(
                key.EndsWith("Endpoint", StringComparison.Ordinal)
                    ? $"{key}={await proxy.ListenForAsync(new Uri(part[(equals + 1)..]))}"
                    : part
            );
        }

        proxy.ConnectionString = string.Join(';', parts) + ";";
        return proxy;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (WebApplication app in _apps)
        {
            await app.StopAsync();
            await app.DisposeAsync();
        }

        _http.Dispose();
    }

    private async Task<string> ListenForAsync(Uri target)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k =>
        {
            k.Listen(IPAddress.Loopback, 0);
            k.Limits.MaxRequestBodySize = null;
        });
        WebApplication app = builder.Build();
        app.Run(context => HandleAsync(context, target));
        await app.StartAsync();
        _apps.Add(app);
        var own = new Uri(
            app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()
        );
        return $"http://127.0.0.1:{own.Port}{target.AbsolutePath}";
    }

    private async Task HandleAsync(HttpContext context, Uri target)
    {
        string? fault = Down ? "503" : Choose(context.Request);
        if (fault is not null)
        {
            Faults.AddOrUpdate(fault, 1, (_, n) => n + 1);
        }

        if (fault is null || !await FailBeforeForwardingAsync(fault, context, target))
        {
            await ForwardAsync(context, target, fault);
        }
    }

    /// <summary>Faults that the service does not see, or sees half of.</summary>
    /// <returns>Whether this was one.</returns>
    private static async Task<bool> FailBeforeForwardingAsync(string fault, HttpContext context, Uri target)
    {
        switch (fault)
        {
            case "503":
                await RefuseAsync(context, 503, "ServerBusy");
                return true;
            case "stale ETag":
                await RefuseAsync(
                    context,
                    412,
                    context.Request.Path.Value!.Contains("(PartitionKey", StringComparison.Ordinal)
                        ? "UpdateConditionNotSatisfied"
                        : "ConditionNotMet"
                );
                return true;
            case "timeout":
                await Task.Delay(1500, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                context.Abort();
                return true;
            case "torn upload":
                await TearAsync(context, target);
                return true;
            default:
                return false;
        }
    }

    /// <summary>Lets the service do what was requested; some faults spoil its response alone.</summary>
    private async Task ForwardAsync(HttpContext context, Uri target, string? fault)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        using HttpRequestMessage request = Copy(context.Request, target, body.ToArray());
        using HttpResponseMessage response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        switch (fault)
        {
            case "503 after it was done":
                await RefuseAsync(context, 503, "ServerBusy");
                break;
            case "answer lost":
                context.Abort();
                break;
            default:
                await ReturnAsync(context, response);
                break;
        }
    }

    private static async Task ReturnAsync(HttpContext context, HttpResponseMessage response)
    {
        context.Response.StatusCode = (int)response.StatusCode;
        foreach (
            (string name, IEnumerable<string> values) in response
                .Headers.Concat(response.Content.Headers)
                .Where(h => !Skipped.Contains(h.Key, StringComparer.OrdinalIgnoreCase) || h.Key == "Content-Length")
        )
        {
            context.Response.Headers[name] = values.ToArray();
        }

        if (
            context.Request.Method != "HEAD"
            && response.StatusCode is not (HttpStatusCode.NoContent or HttpStatusCode.NotModified)
        )
        {
            await response.Content.CopyToAsync(context.Response.Body);
        }
    }

    private string? Choose(HttpRequest request)
    {
        double share = Share;
        lock (_lock)
        {
            if (_random.NextDouble() >= share)
            {
                return null;
            }

            bool writes = request.Method is "PUT" or "POST" or "MERGE" or "PATCH";
            List<string> kinds = ["503", "timeout", "answer lost"];
            if (writes)
            {
                kinds.Add("503 after it was done");
            }

            if (writes && request.ContentLength > 1)
            {
                kinds.Add("torn upload");
            }

            if (writes && request.Headers.IfMatch.Count > 0 && request.Headers.IfMatch != "*")
            {
                kinds.Add("stale ETag");
                kinds.Add("stale ETag"); // rarer requests, as many faults
            }

            return kinds[_random.Next(kinds.Count)];
        }
    }

    /// <summary>Half of the body goes through; then the line is cut on both sides.</summary>
    private static async Task TearAsync(HttpContext context, Uri target)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        using var client = new System.Net.Sockets.TcpClient();
        await client.ConnectAsync(target.Host, target.Port);
        var head = new System.Text.StringBuilder(
            $"{context.Request.Method} {RawTarget(context.Request)} HTTP/1.1\r\n"
                + $"Host: {target.Authority}\r\nContent-Length: {body.Length}\r\n"
        );
        foreach (
            (string name, Microsoft.Extensions.Primitives.StringValues value) in context.Request.Headers.Where(h =>
                !Skipped.Contains(h.Key, StringComparer.OrdinalIgnoreCase)
            )
        )
        {
            head.Append(name).Append(": ").Append(value).Append("\r\n");
        }

        await using (System.Net.Sockets.NetworkStream stream = client.GetStream())
        {
            await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes(head.Append("\r\n").ToString()));
            await stream.WriteAsync(body.ToArray().AsMemory(0, (int)(body.Length / 2)));
            await Task.Delay(20);
        }

        context.Abort();
    }

    private static HttpRequestMessage Copy(HttpRequest from, Uri target, byte[] body)
    {
        var request = new HttpRequestMessage(
            new HttpMethod(from.Method),
            new Uri($"{target.Scheme}://{target.Authority}{RawTarget(from)}")
        )
        {
            Content = new ByteArrayContent(body),
        };
        if (body.Length == 0 && from.Method is "GET" or "HEAD" or "DELETE")
        {
            request.Content = null;
        }

        foreach (
            (string name, Microsoft.Extensions.Primitives.StringValues value) in from.Headers.Where(h =>
                !Skipped.Contains(h.Key, StringComparer.OrdinalIgnoreCase)
            )
        )
        {
            if (!request.Headers.TryAddWithoutValidation(name, value.ToArray()))
            {
                request.Content?.Headers.TryAddWithoutValidation(name, value.ToArray());
            }
        }

        return request;
    }

    private static string RawTarget(HttpRequest request) =>
        request.HttpContext.Features.Get<IHttpRequestFeature>()!.RawTarget;

    private static Task RefuseAsync(HttpContext context, int status, string code)
    {
        context.Response.StatusCode = status;
        context.Response.Headers["x-ms-error-code"] = code;
        context.Response.ContentType = "application/xml";
        return context.Response.WriteAsync(
            $"<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{code}</Code><Message>injected</Message></Error>"
        );
    }
}
