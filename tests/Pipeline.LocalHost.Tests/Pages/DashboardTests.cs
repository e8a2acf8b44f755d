using System.Net;
using System.Net.Http.Json;
using System.Text;
using OpenQA.Selenium;
using Pipeline.Contracts;
using Pipeline.LocalHost.Tests.Hosting;

namespace Pipeline.LocalHost.Tests.Pages;

/// <summary>The page of runs in a real browser, on a real host.</summary>
public sealed class DashboardTests
{
    private const string Hostile = "<img src=x onerror=\"document.title='broken'\">";
    private const string Secret = "the secret of row";

    [Fact]
    public async Task Page_OfARun_ShowsItLiveFromDropToReport()
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        using Browser browser = Browser.Start();
        string data = Directory.CreateTempSubdirectory("pipeline-pages-").FullName;
        try
        {
            await using ServeProcess host = await ServeProcess.StartAsync(
                data,
                new Dictionary<string, string>(),
                cancellation
            );
            using var http = new HttpClient { BaseAddress = host.Address };
            browser.Open(host.Address);
            Assert.EndsWith("/api/dashboard", browser.Url, StringComparison.Ordinal);
            await browser.UntilAsync("!document.getElementById('none').hidden");

            // A file whose name, rows and label are hostile, with two rows that are rejected.
            string name = $"a {Hostile}.csv".Replace('/', '_');
            await host.Storage.Files.WriteAsync(
                BlobLayout.Project("pages"),
                Encoding.UTF8.GetBytes(
                    "training: { r: 4, epochs: 12, batchSize: 4, checkpointSteps: 20, warmupSteps: 5 }\nevaluation: { generate: false, bootstrapSamples: 200 }\nvalidation: { maxTokens: 64 }\n"
                ),
                cancellation
            );
            await host.Storage.Files.WriteAsync(
                BlobLayout.Raw("pages", name),
                Encoding.UTF8.GetBytes(
                    HostFixture.Rows(120)
                        + $"{Secret} 1,\n{Secret} {Hostile.Replace("\"", "", StringComparison.Ordinal)},\n"
                ),
                cancellation
            );
            await browser.UntilAsync("document.querySelector('#runs tbody tr')");
            browser.Click(By.CssSelector("#runs tbody tr"));

            await browser.UntilAsync(
                "document.querySelector('#curve polyline')?.getAttribute('points').split(' ').length > 3"
            );
            long before = browser.Ask<long>(
                "document.querySelector('#curve polyline').getAttribute('points').split(' ').length"
            );
            await browser.UntilAsync(
                "document.querySelector('#curve polyline').getAttribute('points').split(' ').length > arguments[0]",
                before
            );
            Assert.StartsWith(
                "running",
                browser.Ask<string>("document.querySelector('#runs tbody tr').cells[4].textContent"),
                StringComparison.Ordinal
            ); // it grew while the run ran

            await browser.UntilAsync(
                "document.querySelector('#runs tbody tr').cells[4].textContent === 'completed' && document.getElementById('links').textContent.includes('Report')"
            );
            Assert.Contains(
                Hostile,
                browser.Ask<string>("document.querySelector('#runs tbody tr').cells[3].textContent"),
                StringComparison.Ordinal
            );
            Assert.Contains(
                "122 rows read = 120 accepted + 2 rejected + 0 duplicates",
                browser.Ask<string>("document.getElementById('rows').textContent"),
                StringComparison.Ordinal
            );
            Assert.Equal(7L, browser.Ask<long>("document.querySelectorAll('#stages tr').length + 1"));

            string rejected = browser.Ask<string>(
                "[...document.querySelectorAll('#links a')].find(a => a.textContent.includes('rejected')).href"
            );
            HttpResponseMessage file = await http.GetAsync(new Uri(rejected), cancellation);
            Assert.Equal("attachment", file.Content.Headers.ContentDisposition!.DispositionType);
            Assert.Equal(
                2,
                (await file.Content.ReadAsStringAsync(cancellation))
                    .Split('\n', StringSplitOptions.RemoveEmptyEntries)
                    .Length
            );

            browser.Open(
                new Uri(
                    browser.Ask<string>(
                        "[...document.querySelectorAll('#links a')].find(a => a.textContent === 'Report').href"
                    )
                )
            );
            Assert.Contains("held-out rows", browser.Ask<string>("document.body.innerText"), StringComparison.Ordinal);

            Assert.NotEqual("broken", browser.Title);
            Assert.DoesNotContain(browser.Errors(), e => !e.Contains("favicon", StringComparison.Ordinal));
            Assert.DoesNotContain(Secret, host.Said, StringComparison.Ordinal); // no row in the log
            Assert.Contains("Run pages-", host.Said, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    [Fact]
    public async Task Page_CancelResumeAndPurge_DoWhatTheySay()
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        using Browser browser = Browser.Start();
        string data = Directory.CreateTempSubdirectory("pipeline-pages-").FullName;
        try
        {
            await using ServeProcess host = await ServeProcess.StartAsync(
                data,
                new Dictionary<string, string>(),
                cancellation
            );
            await host.Storage.Files.WriteAsync(
                BlobLayout.Project("stopped"),
                Encoding.UTF8.GetBytes(
                    "training: { r: 4, epochs: 100, batchSize: 1, checkpointSteps: 10 }\nevaluation: { generate: false, bootstrapSamples: 200 }\nvalidation: { maxTokens: 64 }\n"
                ),
                cancellation
            );
            await host.Storage.Files.WriteAsync(
                BlobLayout.Raw("stopped", "a.csv"),
                Encoding.UTF8.GetBytes(HostFixture.Rows(100)),
                cancellation
            );
            await host.Storage.Files.WriteAsync(BlobLayout.Raw("stopped", "bad.csv"), [], cancellation);
            await host
                .Storage.Queues.GetQueueClient(BlobLayout.TrainingResultsQueue)
                .SendMessageAsync("<script>document.title='broken'</script>", cancellation);
            browser.Open(host.Address);
            const string Row =
                "[...document.querySelectorAll('#runs tbody tr')].find(r => r.cells[3].textContent === 'a.csv')";
            await browser.UntilAsync(Row);
            browser.Ask<object?>(Row + ".click()");
            await browser.UntilAsync(
                "document.querySelector('#curve polyline')?.getAttribute('points').split(' ').length > 15"
            ); // past a checkpoint

            browser.Click(By.XPath("//button[text()='Cancel']"));
            await browser.UntilAsync(Row + "?.cells[4].textContent === 'cancelled'");
            await browser.UntilAsync("document.getElementById('actions').textContent.includes('Resume')");
            RunRecord run = (await host.Storage.Runs.ListAsync("stopped", cancellation)).Single(r =>
                r.Source == "a.csv"
            );
            await UntilWorkerHasStoppedAsync(host);

            browser.Click(By.XPath("//button[text()='Resume']"));
            await browser.UntilAsync(Row + "?.cells[4].textContent === 'running: train'");
            int LastOf(IReadOnlyList<TrainingProgress> lines) => lines.Last(l => l.Loss is not null).Done;
            int stopped = LastOf(await LinesAsync(host, run.RunId));
            IReadOnlyList<TrainingProgress> lines;
            do
            {
                await Task.Delay(200, cancellation);
                lines = await LinesAsync(host, run.RunId);
            } while (LastOf(lines) <= stopped + 3);
            Assert.Equal(1, lines.Count(l => l is { Loss: not null, Done: 1 })); // it went on from the checkpoint

            browser.Click(By.XPath("//button[text()='Cancel']"));
            await browser.UntilAsync(
                Row
                    + "?.cells[4].textContent === 'cancelled' && document.getElementById('actions').textContent.includes('Purge')"
            );
            await UntilWorkerHasStoppedAsync(host);
            browser.Click(By.XPath("//button[text()='Purge']"));
            await browser.UntilAsync("!" + Row);
            Assert.Null(await host.Storage.Runs.GetAsync(run.RunId, cancellation));
            const string Letter =
                "[...document.querySelectorAll('#notes tbody tr')].find(r => r.textContent.includes('It is not a training result'))";
            await browser.UntilAsync(Letter);
            DeadLetter letter = (await RefusedAsync(host)).Single();
            // Requeue: it is tried, and refused once more
            browser.Ask<object?>(Letter + ".querySelector('button').click()");
            while ((await RefusedAsync(host)).All(l => l.At == letter.At))
            {
                await Task.Delay(100, cancellation);
            }

            await browser.UntilAsync(Letter);
            browser.Ask<object?>(Letter + ".querySelector('button:last-child').click()"); // Delete
            await browser.UntilAsync("!" + Letter);
            Assert.Empty(await RefusedAsync(host));
            Assert.NotEqual("broken", browser.Title);
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    [Fact]
    public async Task Posts_FromAnotherSite_AreRefused()
    {
        string data = Directory.CreateTempSubdirectory("pipeline-pages-").FullName;
        try
        {
            await using ServeProcess host = await ServeProcess.StartAsync(
                data,
                new Dictionary<string, string>(),
                TestContext.Current.CancellationToken
            );
            using var http = new HttpClient { BaseAddress = host.Address };
            using var strange = new HttpRequestMessage(HttpMethod.Post, "api/projects/x-y-z/runs")
            {
                Content = JsonContent.Create(new { source = "a.csv" }),
            };
            strange.Headers.Add("Origin", "https://evil.example");
            using var own = new HttpRequestMessage(HttpMethod.Post, "api/projects/x-y-z/runs")
            {
                Content = JsonContent.Create(new { source = "a.csv" }),
            };
            own.Headers.Add("Origin", host.Address.GetLeftPart(UriPartial.Authority));

            Assert.Equal(
                HttpStatusCode.Forbidden,
                (await http.SendAsync(strange, TestContext.Current.CancellationToken)).StatusCode
            );
            Assert.Equal(
                HttpStatusCode.BadRequest,
                (await http.SendAsync(own, TestContext.Current.CancellationToken)).StatusCode
            ); // there is no such file
            HttpResponseMessage page = await http.GetAsync("api/dashboard", TestContext.Current.CancellationToken);
            Assert.Contains(
                "default-src 'none'",
                page.Headers.GetValues("Content-Security-Policy").Single(),
                StringComparison.Ordinal
            );
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    private static async Task<IReadOnlyList<DeadLetter>> RefusedAsync(ServeProcess host) =>
        [
            .. (await host.Storage.DeadLetters.ListAsync(TestContext.Current.CancellationToken)).Where(l =>
                l.Reason.Contains("It is not a training result", StringComparison.Ordinal)
            ),
        ];

    /// <summary>It stops at its next step, takes the message with it and gives the job back.</summary>
    private static async Task UntilWorkerHasStoppedAsync(ServeProcess host)
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        while (
            (await host.Storage.Queues.GetQueueClient(BlobLayout.TrainingJobsQueue).GetPropertiesAsync(cancellation))
                .Value
                .ApproximateMessagesCount > 0
        )
        {
            await Task.Delay(200, cancellation);
        }

        await Task.Delay(500, cancellation);
    }

    private static async Task<IReadOnlyList<TrainingProgress>> LinesAsync(ServeProcess host, string runId) =>
        [
            .. Encoding
                .UTF8.GetString(
                    await host.Storage.Files.ReadAsync(
                        BlobLayout.Progress(runId),
                        TestContext.Current.CancellationToken
                    ) ?? []
                )
                .Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(l => ContractJson.Read<TrainingProgress>(l)),
        ];
}
