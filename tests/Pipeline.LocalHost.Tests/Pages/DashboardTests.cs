using System.Net;
using System.Net.Http.Json;
using OpenQA.Selenium;
using Pipeline.Contracts;
using Pipeline.LocalHost.Tests.Hosting;

namespace Pipeline.LocalHost.Tests.Pages;

/// <summary>The page of runs in a real browser, on a real host.</summary>
public sealed class DashboardTests
{
    private const string Hostile = "<img src=x onerror=\"document.title='broken'\">";
    private const string Secret = "the secret of row";
    private const string FirstRow = "document.querySelector('#runs tbody tr')";
    private const string CurvePoints =
        "document.querySelector('#curve polyline').getAttribute('points').split(' ').length";
    private const string AnyCurvePoints =
        "document.querySelector('#curve polyline')?.getAttribute('points').split(' ').length";
    private const string RowOfA =
        "[...document.querySelectorAll('#runs tbody tr')].find(r => r.cells[3].textContent === 'a.csv')";
    private const string Letter =
        "[...document.querySelectorAll('#notes tbody tr')]"
        + ".find(r => r.textContent.includes('It is not a training result'))";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("Tier", "Slow")]
    public async Task Page_OfARun_ShowsItLiveFromDropToReport()
    {
        using Browser browser = Browser.Start();
        string data = Directory.CreateTempSubdirectory("pipeline-pages-").FullName;
        try
        {
            await using ServeProcess host = await StartAsync(data);
            browser.Open(host.Address);
            Assert.EndsWith("/api/dashboard", browser.Url, StringComparison.Ordinal);
            await browser.UntilAsync("!document.getElementById('none').hidden");

            await DropHostileFileAsync(host);
            await browser.UntilAsync(FirstRow);
            browser.Click(By.CssSelector("#runs tbody tr"));

            await AssertCurveGrowsWhileTheRunRunsAsync(browser);
            await AssertEndIsShownAsync(browser);
            await AssertRejectedRowsAreAnAttachmentAsync(browser, host);
            OpenReport(browser);
            Assert.Contains(
                "held-out rows",
                browser.Evaluate<string>("document.body.innerText"),
                StringComparison.Ordinal
            );

            Assert.NotEqual("broken", browser.Title);
            Assert.DoesNotContain(browser.Errors(), e => !e.Contains("favicon", StringComparison.Ordinal));
            Assert.DoesNotContain(Secret, host.Output, StringComparison.Ordinal); // no row in the log
            Assert.Contains("Run pages-", host.Output, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    [Fact]
    [Trait("Tier", "Slow")]
    public async Task Page_CancelResumeAndPurge_StopContinueAndRemoveTheRun()
    {
        using Browser browser = Browser.Start();
        string data = Directory.CreateTempSubdirectory("pipeline-pages-").FullName;
        try
        {
            await using ServeProcess host = await StartAsync(data);
            await host.Storage.PutProjectAsync(
                "stopped",
                "training: { r: 4, epochs: 100, batchSize: 1, checkpointSteps: 10 }\n" + HostFixture.QuickEvaluation
            );
            await host.Storage.DropAsync("stopped", "a.csv", HostFixture.Rows(100));
            await host.Storage.DropAsync("stopped", "bad.csv", "");
            await host
                .Storage.Queues.GetQueueClient(BlobLayout.TrainingResultsQueue)
                .SendMessageAsync("<script>document.title='broken'</script>", Cancellation);
            browser.Open(host.Address);
            await browser.UntilAsync(RowOfA);
            browser.Evaluate<object?>(RowOfA + ".click()");
            await browser.UntilAsync(AnyCurvePoints + " > 15"); // past a checkpoint

            await CancelAsync(browser, host, next: "Resume");
            RunRecord run = (await host.Storage.Runs.ListAsync("stopped", Cancellation)).Single(r =>
                r.Source == "a.csv"
            );
            await AssertResumeContinuesFromTheCheckpointAsync(browser, host, run);

            await CancelAsync(browser, host, next: "Purge");
            browser.Click(By.XPath("//button[text()='Purge']"));
            await browser.UntilAsync("!" + RowOfA);
            Assert.Null(await host.Storage.Runs.GetAsync(run.RunId, Cancellation));

            await AssertDeadLetterCanBeRequeuedAndDeletedAsync(browser, host);
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
            await using ServeProcess host = await StartAsync(data);
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

            Assert.Equal(HttpStatusCode.Forbidden, (await http.SendAsync(strange, Cancellation)).StatusCode);
            // the project has no file of this name
            Assert.Equal(HttpStatusCode.BadRequest, (await http.SendAsync(own, Cancellation)).StatusCode);
            HttpResponseMessage page = await http.GetAsync("api/dashboard", Cancellation);
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

    private static Task<ServeProcess> StartAsync(string data) =>
        ServeProcess.StartAsync(data, new Dictionary<string, string>(), Cancellation);

    /// <summary>A file whose name, rows and label are hostile, with two rows that are rejected.</summary>
    private static async Task DropHostileFileAsync(ServeProcess host)
    {
        await host.Storage.PutProjectAsync(
            "pages",
            "training: { r: 4, epochs: 4, batchSize: 4, checkpointSteps: 20, warmupSteps: 5 }\n"
                + HostFixture.QuickEvaluation
        );
        await host.Storage.DropAsync(
            "pages",
            $"a {Hostile}.csv".Replace('/', '_'),
            HostFixture.Rows(120) + $"{Secret} 1,\n{Secret} {Hostile.Replace("\"", "", StringComparison.Ordinal)},\n"
        );
    }

    private static async Task AssertCurveGrowsWhileTheRunRunsAsync(Browser browser)
    {
        await browser.UntilAsync(AnyCurvePoints + " > 3");
        long before = browser.Evaluate<long>(CurvePoints);
        await browser.UntilAsync(CurvePoints + " > arguments[0]", before);
        Assert.StartsWith(
            "running",
            browser.Evaluate<string>(FirstRow + ".cells[4].textContent"),
            StringComparison.Ordinal
        );
    }

    private static async Task AssertEndIsShownAsync(Browser browser)
    {
        await browser.UntilAsync(
            FirstRow
                + ".cells[4].textContent === 'completed'"
                + " && document.getElementById('links').textContent.includes('Report')"
        );
        Assert.Contains(
            Hostile,
            browser.Evaluate<string>(FirstRow + ".cells[3].textContent"),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "122 rows read = 120 accepted + 2 rejected + 0 duplicates",
            browser.Evaluate<string>("document.getElementById('rows').textContent"),
            StringComparison.Ordinal
        );
        Assert.Equal(7L, browser.Evaluate<long>("document.querySelectorAll('#stages tr').length + 1"));
    }

    private static async Task AssertRejectedRowsAreAnAttachmentAsync(Browser browser, ServeProcess host)
    {
        using var http = new HttpClient { BaseAddress = host.Address };
        string rejected = browser.Evaluate<string>(
            "[...document.querySelectorAll('#links a')].find(a => a.textContent.includes('rejected')).href"
        );
        HttpResponseMessage file = await http.GetAsync(new Uri(rejected), Cancellation);
        Assert.Equal("attachment", file.Content.Headers.ContentDisposition!.DispositionType);
        Assert.Equal(
            2,
            (await file.Content.ReadAsStringAsync(Cancellation))
                .Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Length
        );
    }

    private static void OpenReport(Browser browser) =>
        browser.Open(
            new Uri(
                browser.Evaluate<string>(
                    "[...document.querySelectorAll('#links a')].find(a => a.textContent === 'Report').href"
                )
            )
        );

    /// <summary>Cancels the run and waits until its worker has stopped and its next action is offered.</summary>
    private static async Task CancelAsync(Browser browser, ServeProcess host, string next)
    {
        browser.Click(By.XPath("//button[text()='Cancel']"));
        await browser.UntilAsync(RowOfA + "?.cells[4].textContent === 'cancelled'");
        await browser.UntilAsync($"document.getElementById('actions').textContent.includes('{next}')");
        await UntilWorkerHasStoppedAsync(host);
    }

    private static async Task AssertResumeContinuesFromTheCheckpointAsync(
        Browser browser,
        ServeProcess host,
        RunRecord run
    )
    {
        browser.Click(By.XPath("//button[text()='Resume']"));
        await browser.UntilAsync(RowOfA + "?.cells[4].textContent === 'running: train'");
        int stopped = (await host.Storage.ReadStepsAsync(run.RunId))[^1];
        IReadOnlyList<int> steps;
        do
        {
            await Task.Delay(200, Cancellation);
            steps = await host.Storage.ReadStepsAsync(run.RunId);
        } while (steps[^1] <= stopped + 3);
        Assert.Equal(1, steps.Count(s => s == 1));
    }

    private static async Task AssertDeadLetterCanBeRequeuedAndDeletedAsync(Browser browser, ServeProcess host)
    {
        await browser.UntilAsync(Letter);
        DeadLetter letter = (await RefusedAsync(host)).Single();
        // Requeue: it is tried, and refused once more
        browser.Evaluate<object?>(Letter + ".querySelector('button').click()");
        while ((await RefusedAsync(host)).All(l => l.At == letter.At))
        {
            await Task.Delay(100, Cancellation);
        }

        await browser.UntilAsync(Letter);
        browser.Evaluate<object?>(Letter + ".querySelector('button:last-child').click()"); // Delete
        await browser.UntilAsync("!" + Letter);
        Assert.Empty(await RefusedAsync(host));
    }

    private static async Task<IReadOnlyList<DeadLetter>> RefusedAsync(ServeProcess host) =>
        [
            .. (await host.Storage.DeadLetters.ListAsync(Cancellation)).Where(l =>
                l.Reason.Contains("It is not a training result", StringComparison.Ordinal)
            ),
        ];

    /// <summary>It stops at its next step, takes the message with it and gives the job back.</summary>
    private static async Task UntilWorkerHasStoppedAsync(ServeProcess host)
    {
        while (
            (await host.Storage.Queues.GetQueueClient(BlobLayout.TrainingJobsQueue).GetPropertiesAsync(Cancellation))
                .Value
                .ApproximateMessagesCount > 0
        )
        {
            await Task.Delay(200, Cancellation);
        }

        await Task.Delay(500, Cancellation);
    }
}
