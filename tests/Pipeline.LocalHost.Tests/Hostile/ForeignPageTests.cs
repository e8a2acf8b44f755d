using System.Diagnostics;
using System.Net;
using Azure.Data.Tables;
using Azure.Storage.Blobs.Models;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Pipeline.Contracts;
using Pipeline.LocalHost.Tests.Hosting;
using Pipeline.LocalHost.Tests.Pages;

namespace Pipeline.LocalHost.Tests.Hostile;

/// <summary>A page of another site, open in the browser of somebody whose host runs on the same machine.</summary>
public sealed class ForeignPageTests : OwnBench
{
    private const int Attempts = 14;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task Request_OfAForeignPage_IsRefusedWhateverItsForm()
    {
        foreach (
            string line in (string[])
                [
                    "GET api/runs cross-site no-cors empty",
                    "GET api/runs same-site cors empty",
                    "GET api/dashboard cross-site navigate iframe",
                    "GET api/dashboard/dashboard.js cross-site no-cors script",
                    "POST api/projects/x-y-z/feedback cross-site navigate document",
                    "POST api/projects/x-y-z/feedback same-site no-cors empty",
                    "DELETE api/runs/x cross-site cors empty",
                ]
        )
        {
            Assert.Equal(HttpStatusCode.Forbidden, (await SendAsync(line)).StatusCode);
        }

        HttpResponseMessage followed = await SendAsync("GET api/dashboard cross-site navigate document"); // a link
        HttpResponseMessage own = await SendAsync("GET api/runs same-origin cors empty");
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (followed.StatusCode, own.StatusCode));
        Assert.Equal("nosniff", own.Headers.GetValues("X-Content-Type-Options").Single());
        Assert.Equal("no-referrer", own.Headers.GetValues("Referrer-Policy").Single());
        string policy = followed.Headers.GetValues("Content-Security-Policy").Single();
        Assert.Contains("script-src 'self'", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
    }

    /// <summary>
    /// Every way that needs no preflight, to the host and to the emulator: each is refused, and nothing is stored.
    /// </summary>
    [Fact]
    [Trait("Tier", "Slow")]
    public async Task Page_OfAnotherSite_NeitherReadsNorWrites()
    {
        using Browser browser = Browser.Start();
        await Account.Files.WriteAsync(BlobLayout.Project("x-y-z"), "task: text\n"u8.ToArray(), Cancellation);
        string before = await SnapshotAsync();
        await using WebApplication site = await ServeAsync(Page());

        browser.Open(new Uri(site.Urls.First()));
        await browser.UntilAsync($"window.done === {Attempts}");

        List<(string Url, int Status)> answers = [];
        long started = Stopwatch.GetTimestamp();
        while (answers.Count < Attempts && Stopwatch.GetElapsedTime(started) < Patience)
        {
            // the page does not wait for the answers to its forms and beacons
            answers.AddRange(
                browser
                    .Responses()
                    .Where(a => a.Url.StartsWith("http://127.0.0.1:", StringComparison.Ordinal))
                    .Where(a => !a.Url.StartsWith(site.Urls.First(), StringComparison.Ordinal))
            );
            await Task.Delay(100, Cancellation);
        }

        Assert.True(answers.Count >= Attempts, $"only {answers.Count} answers: {string.Join(", ", answers)}");
        Assert.All(answers, a => Assert.True(a.Status == 403, $"{a.Url}: {a.Status}"));
        Assert.Equal("", browser.Evaluate<string>("window.read"));
        Assert.Equal(before, await SnapshotAsync());
    }

    private Task<HttpResponseMessage> SendAsync(string line)
    {
        string[] parts = line.Split(' ');
        var request = new HttpRequestMessage(new HttpMethod(parts[0]), parts[1]);
        request.Headers.Add("Sec-Fetch-Site", parts[2]);
        request.Headers.Add("Sec-Fetch-Mode", parts[3]);
        request.Headers.Add("Sec-Fetch-Dest", parts[4]);
        return Bench.Http.SendAsync(request, Cancellation);
    }

    /// <summary>What lies in the account: every blob, message and row with its version.</summary>
    private async Task<string> SnapshotAsync()
    {
        List<string> lines = [];
        foreach (string container in BlobLayout.Containers)
        {
            await foreach (
                BlobItem blob in Account
                    .Blobs.GetBlobContainerClient(container)
                    .GetBlobsAsync(cancellationToken: Cancellation)
            )
            {
                lines.Add($"{container}/{blob.Name} {blob.Properties.ETag}");
            }
        }

        foreach (string queue in BlobLayout.Queues.Concat(BlobLayout.PoisonQueues))
        {
            lines.Add($"{queue} {await Account.Messages.CountAsync(queue, Cancellation)}");
        }

        foreach (string table in (string[])[BlobLayout.RunsTable, BlobLayout.DeadLettersTable])
        {
            await foreach (
                TableEntity row in Account
                    .Tables.GetTableClient(table)
                    .QueryAsync<TableEntity>(cancellationToken: Cancellation)
            )
            {
                lines.Add($"{table}/{row.RowKey} {row.ETag}");
            }
        }

        return string.Join('\n', lines);
    }

    private static async Task<WebApplication> ServeAsync(string page)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        WebApplication app = builder.Build();
        app.MapGet("/", () => Results.Content(page, "text/html"));
        await app.StartAsync(Cancellation);
        return app;
    }

    /// <summary>A page that tries all that a page can without asking first.</summary>
    private string Page()
    {
        string host = Bench.Http.BaseAddress!.GetLeftPart(UriPartial.Authority);
        string blobs = Account.Blobs.Uri.ToString().TrimEnd('/');
        string queues = Account.Queues.Uri.ToString().TrimEnd('/');
        return $$"""
            <!doctype html><title>free kittens</title><body><script>
            window.done = 0; window.read = '';
            const end = () => { window.done++; };
            const take = async (url, options) => {
              try {
                const r = await fetch(url, options);
                window.read += r.type === 'opaque' ? '' : await r.text();
              } catch { }
              end();
            };
            const feedback = '{{host}}/api/projects/x-y-z/feedback';
            const body = JSON.stringify({ text: 'a', score: 1, correction: 'b' });
            take('{{host}}/api/runs', { mode: 'cors' });
            take('{{host}}/api/runs', { mode: 'no-cors', credentials: 'include' });
            take(feedback, { method: 'POST', mode: 'no-cors', headers: { 'content-type': 'text/plain' }, body });
            take(feedback, { method: 'POST', mode: 'cors', body });
            take('{{host}}/api/deadletters/x/requeue', { method: 'POST', mode: 'no-cors' });
            take('{{host}}/api/projects/x-y-z/runs', { method: 'POST', mode: 'no-cors', body: '{"source":"a.csv"}' });
            take('{{blobs}}/projects/x-y-z/project.yaml', { mode: 'no-cors' });
            take('{{blobs}}/raw?restype=container&comp=list', { mode: 'no-cors' });
            take('{{queues}}/training-jobs/messages', { method: 'POST', mode: 'no-cors', body: '<QueueMessage/>' });
            const element = (name, attributes) => {
              const e = Object.assign(document.createElement(name), attributes); e.onload = e.onerror = end;
              document.body.append(e);
            };
            element('script', { src: '{{host}}/api/dashboard/dashboard.js' });
            element('img', { src: '{{host}}/api/runs/x' });
            element('iframe', { src: '{{host}}/api/dashboard' });
            element('iframe', { name: 'into', src: 'about:blank' });
            const form = Object.assign(document.createElement('form'),
              { action: feedback, method: 'post', enctype: 'text/plain', target: 'into' });
            const input = { name: '{"text":"a","score":1,"x":"', value: '"}' };
            form.append(Object.assign(document.createElement('input'), input));
            document.body.append(form); form.submit();
            navigator.sendBeacon(feedback, body);
            </script>
            """;
    }
}
