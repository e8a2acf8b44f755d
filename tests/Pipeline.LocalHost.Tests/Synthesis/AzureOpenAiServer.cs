using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Pipeline.Contracts;

namespace Pipeline.LocalHost.Tests.Synthesis;

/// <summary>
/// A server that speaks Azure OpenAI's wire format (<c>POST /openai/deployments/NAME/chat/completions</c>). It writes
/// rows of the form that the request's JSON schema asks for, unless a test tells it to do otherwise with the next
/// calls.
/// </summary>
internal sealed class AzureOpenAiServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private AzureOpenAiServer(WebApplication app) => _app = app;

    public Uri Address => new(_app.Urls.First());

    /// <summary>Request bodies in the order of arrival.</summary>
    public ConcurrentQueue<JsonElement> Requests { get; } = new();

    /// <summary>When each request came.</summary>
    public ConcurrentQueue<DateTime> Times { get; } = new();

    /// <summary>What the next calls get in the place of a good answer.</summary>
    public ConcurrentQueue<Func<HttpContext, Task>> Next { get; } = new();

    /// <summary>What a check says to a text; <c>null</c>: the first label.</summary>
    public Func<string, string?> Label { get; set; } = _ => null;

    /// <summary>Tokens that each answer says it has cost.</summary>
    public (int In, int Out) Usage { get; set; } = (100, 50);

    public static async Task<AzureOpenAiServer> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        WebApplication app = builder.Build();
        var server = new AzureOpenAiServer(app);
        app.MapPost("/openai/deployments/{deployment}/chat/completions", server.AnswerAsync);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return server;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    /// <summary>An error as the service words it.</summary>
    public static Func<HttpContext, Task> Fault(int status, string code, int? retryAfter = null) =>
        context =>
        {
            context.Response.StatusCode = status;
            if (retryAfter is { } seconds)
            {
                context.Response.Headers.RetryAfter = $"{seconds}";
            }

            return context.Response.WriteAsJsonAsync(new { error = new { code, message = $"said by a test: {code}" } });
        };

    /// <summary>An answer of a test's own.</summary>
    public Func<HttpContext, Task> Answer(string content, string finish = "stop") =>
        context => WriteAsync(context, content, finish);

    private async Task AnswerAsync(HttpContext context, string deployment)
    {
        Times.Enqueue(DateTime.UtcNow);
        JsonElement request = (await JsonDocument.ParseAsync(context.Request.Body)).RootElement;
        Requests.Enqueue(request);
        if (deployment == "missing")
        {
            await Fault(404, "DeploymentNotFound")(context);
        }
        else if (context.Request.Headers["api-key"] != "secret-key")
        {
            await Fault(401, "401")(context);
        }
        else if (Next.TryDequeue(out Func<HttpContext, Task>? other))
        {
            await other(context);
        }
        else
        {
            await WriteAsync(context, Content(request), "stop");
        }
    }

    private string Content(JsonElement request)
    {
        JsonElement fields = request
            .GetProperty("response_format")
            .GetProperty("json_schema")
            .GetProperty("schema")
            .GetProperty("properties")
            .GetProperty("rows")
            .GetProperty("items")
            .GetProperty("properties");
        string prompt = request.GetProperty("messages")[1].GetProperty("content").GetString()!;
        if (fields.TryGetProperty("label", out JsonElement label))
        {
            string first = label.GetProperty("enum")[0].GetString()!;
            return JsonSerializer.Serialize(
                new { rows = prompt.Split("\nText ")[1..].Select(t => new { label = Label(t) ?? first }) }
            );
        }

        int count = int.Parse(prompt.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
        long number =
            1000
            * long.Parse(
                ContentHash.ShortOf(prompt)[..5],
                System.Globalization.NumberStyles.HexNumber,
                System.Globalization.CultureInfo.InvariantCulture
            ); // the same question, the same answer, whatever came before
        return JsonSerializer.Serialize(
            new
            {
                rows = Enumerable
                    .Range(0, count)
                    .Select(_ =>
                        fields
                            .EnumerateObject()
                            .ToDictionary(
                                f => f.Name,
                                f =>
                                {
                                    number++;
                                    return $"{f.Name} number {number} of a model, "
                                        + $"about subject {number * 7919 % 1009} and thing {number * 104729 % 2003}";
                                }
                            )
                    ),
            }
        );
    }

    private Task WriteAsync(HttpContext context, string content, string finish) =>
        context.Response.WriteAsJsonAsync(
            new
            {
                id = "chatcmpl-1",
                @object = "chat.completion",
                created = 1,
                model = "gpt-4o-2024-08-06",
                choices = new[]
                {
                    new
                    {
                        index = 0,
                        finish_reason = finish,
                        message = new { role = "assistant", content },
                    },
                },
                usage = new
                {
                    prompt_tokens = Usage.In,
                    completion_tokens = Usage.Out,
                    total_tokens = Usage.In + Usage.Out,
                },
            }
        );
}
