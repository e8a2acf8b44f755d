using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using netDumbster.smtp;
using Pipeline.Contracts;
using Pipeline.Functions.Notices;
using Pipeline.Functions.Projects;
using StandardWebhooks;

namespace Pipeline.LocalHost.Tests.Hosting;

/// <summary>Who hears of a run's end, by a real HTTP receiver and a real mail server.</summary>
[Collection(OneHost.Name)]
public sealed class NoticeTests(HostFixture host)
{
    private const string Secret = "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0";
    private static int Runs;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Webhook_IsSignedRetriedAndSentOnce()
    {
        await using Receiver receiver = await Receiver.StartAsync(503, 200);
        RunRecord run = await RunAsync($"notify: {{ webhooks: ['{receiver.Address}/hook?token=s3cret'] }}\n");

        await Assert.ThrowsAsync<NoticeFailedException>(() => NotifyAsync(run));
        string waiting = (await host.Storage.Runs.GetAsync(run.RunId, Cancellation))!.Notice!;
        Assert.Contains("could not be told: it answered 503", waiting, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", waiting, StringComparison.Ordinal);
        await NotifyAsync(run);
        await NotifyAsync(run); // delivered twice by the engine

        Assert.Equal(2, receiver.Calls.Count);
        Assert.Null((await host.Storage.Runs.GetAsync(run.RunId, Cancellation))!.Notice);
        (IHeaderDictionary headers, string body) = receiver.Calls.Last();
        new StandardWebhook(Secret).Verify(body, headers);
        Assert.Equal(receiver.Calls.First().Headers["webhook-id"], headers["webhook-id"]);
        JsonElement payload = JsonDocument.Parse(body).RootElement;
        Assert.Equal("run.completed", payload.GetProperty("type").GetString());
        JsonElement data = payload.GetProperty("data");
        Assert.Equal("V3 is not better: V2 stays.", data.GetProperty("line").GetString());
        Assert.Equal($"https://app.example/api/runs/{run.RunId}/report", data.GetProperty("link").GetString());
    }

    [Fact]
    public async Task SlackAndTeams_GetBodiesOfTheirForm()
    {
        await using Receiver receiver = await Receiver.StartAsync(200, 200);
        RunRecord run = await RunAsync(
            $"notify: {{ webhooks: [ {{ url: '{receiver.Address}/s', form: slack }}, "
                + $"{{ url: '{receiver.Address}/t', form: teams }} ] }}\n",
            r => r with { State = RunState.Failed, Promotion = null, Error = "column <label> is [empty](x)" }
        );

        await NotifyAsync(run);

        string[] bodies = [.. receiver.Calls.Select(c => c.Body)];
        string slack = JsonDocument.Parse(bodies[0]).RootElement.GetProperty("text").GetString()!;
        Assert.StartsWith(
            $"{run.Project}: the run of a.csv has failed: column &lt;label&gt; is",
            slack,
            StringComparison.Ordinal
        );
        JsonElement card = JsonDocument.Parse(bodies[1]).RootElement.GetProperty("attachments")[0];
        Assert.Equal("application/vnd.microsoft.card.adaptive", card.GetProperty("contentType").GetString());
        Assert.Contains(
            "\\[empty]",
            card.GetProperty("content").GetProperty("body")[0].GetProperty("text").GetString(),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Mail_HasTheVerdictsFirstLineAsItsSubject()
    {
        using SimpleSmtpServer server = SimpleSmtpServer.Start();
        RunRecord run = await RunAsync("notify: { mail: [owner@example.org] }\n");

        await NotifyAsync(
            run,
            new()
            {
                [NoticeSender.SmtpHost] = "127.0.0.1",
                [NoticeSender.SmtpPort] = $"{server.Configuration.Port}",
                [NoticeSender.SmtpFrom] = "Pipeline <pipeline@example.org>",
            }
        );

        SmtpMessage mail = Assert.Single(server.ReceivedEmail);
        Assert.Equal($"{run.Project}: V3 is not better: V2 stays.", mail.Subject);
        Assert.Equal("owner@example.org", mail.ToAddresses.Single().Address);
        Assert.Contains("Base 41.0 %, tuned 88.0 %", mail.MessageParts[0].BodyData, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(
        "notify: { mail: [owner@example.org] }\n",
        "mail owner@example.org could not be told: PIPELINE_SMTP_HOST is not set"
    )]
    [InlineData("", null)]
    public async Task Notice_ThatNoTryBrings_StandsInTheRunAndIsNotTriedAgain(string yaml, string? words)
    {
        RunRecord run = await RunAsync(yaml);

        await NotifyAsync(run);

        Assert.Equal(words, (await host.Storage.Runs.GetAsync(run.RunId, Cancellation))!.Notice);
    }

    /// <summary>The whole way: a run ends on the host, and the receiver hears of it.</summary>
    [Fact]
    public async Task Run_ThatFails_IsHeardOf()
    {
        await using Receiver receiver = await Receiver.StartAsync(200);
        await host.PutProjectAsync("heard", $"notify: {{ webhooks: ['{receiver.Address}'] }}\n");

        await host.DropAsync("heard", "empty.csv", "text,label\n");
        RunRecord run = await host.WaitAsync("heard", HostFixture.HasEnded);

        while (receiver.Calls.IsEmpty)
        {
            await Task.Delay(50, Cancellation);
        }

        Assert.Equal(RunState.Failed, run.State);
        Assert.Contains("run.failed", receiver.Calls.Single().Body, StringComparison.Ordinal);
    }

    private async Task<RunRecord> RunAsync(string yaml, Func<RunRecord, RunRecord>? change = null)
    {
        string project = $"notices-{Interlocked.Increment(ref Runs)}";
        await host.PutProjectAsync(project, yaml);
        var run = new RunRecord
        {
            RunId = project + "-run",
            Project = project,
            State = RunState.Completed,
            Stage = RunStage.Done,
            Trigger = RunTrigger.Drop,
            Source = "a.csv",
            CreatedAt = DateTimeOffset.UnixEpoch,
            UpdatedAt = DateTimeOffset.UnixEpoch,
            Promotion = "V3 is not better: V2 stays.",
            BaseAccuracy = 0.41,
            TunedAccuracy = 0.88,
        };
        run = change?.Invoke(run) ?? run;
        await host.Storage.Runs.PutAsync(run, Cancellation);
        return run;
    }

    private async Task NotifyAsync(RunRecord run, Dictionary<string, string?>? settings = null)
    {
        IConfiguration configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(
                new Dictionary<string, string?>(settings ?? [])
                {
                    [NoticeSender.WebhookSecret] = Secret,
                    [NotifyEnd.Address] = "https://app.example/",
                }
            )
            .Build();
        using var sender = new NoticeSender(configuration, TimeProvider.System);
        await new NotifyEnd(
            host.Storage,
            new ProjectReader(host.Storage),
            sender,
            configuration,
            NullLogger<NotifyEnd>.Instance
        ).Run(new EndedRun(run.RunId), Cancellation);
    }

    /// <summary>Takes calls, and answers each with the next status.</summary>
    private sealed class Receiver : IAsyncDisposable
    {
        private readonly WebApplication _app;

        private Receiver(WebApplication app) => _app = app;

        public ConcurrentQueue<(IHeaderDictionary Headers, string Body)> Calls { get; } = new();
        public string Address => _app.Urls.First();

        public static async Task<Receiver> StartAsync(params int[] statuses)
        {
            WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.UseUrls("http://127.0.0.1:0");
            WebApplication app = builder.Build();
            var receiver = new Receiver(app);
            var next = new ConcurrentQueue<int>(statuses);
            app.MapPost(
                "/{**path}",
                async (HttpContext context) =>
                {
                    using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
                    string body = await reader.ReadToEndAsync(Cancellation);
                    var headers = new HeaderDictionary(
                        context.Request.Headers.ToDictionary(StringComparer.OrdinalIgnoreCase)
                    );
                    receiver.Calls.Enqueue((headers, body));
                    context.Response.StatusCode = next.TryDequeue(out int status) ? status : 200;
                }
            );
            await app.StartAsync(Cancellation);
            return receiver;
        }

        public ValueTask DisposeAsync() => _app.DisposeAsync();
    }
}
