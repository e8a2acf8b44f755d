using System.Net.Http.Json;
using System.Text.Json;
using OpenQA.Selenium;
using Pipeline.Contracts;
using Pipeline.LocalHost.Tests.Hosting;

namespace Pipeline.LocalHost.Tests.Pages;

/// <summary>A person follows a signed link in a real browser, and confirms.</summary>
[Collection(OneHost.Name)]
public sealed class VerdictLinkTests(HostFixture host)
{
    private const string Project = "linked-page";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Form_OfALink_SendsTheVerdict()
    {
        using Browser browser = Browser.Start();
        await host.PutProjectAsync(Project, HostFixture.QuickYaml);
        HttpResponseMessage signed = await host.PostAsync(
            $"api/projects/{Project}/feedback-links",
            new { text = "hello there", answer = "number" }
        );
        JsonElement links = await signed.Content.ReadFromJsonAsync<JsonElement>(Cancellation);

        browser.Open(new Uri(links.GetProperty("down").GetString()!));
        browser.Type(By.Name("correction"), "greeting");
        browser.Click(By.CssSelector("button"));
        await browser.UntilAsync("document.body.innerText.includes('Thank you')");

        FeedbackRecord verdict = Assert.Single(await host.Storage.ReadVerdictsAsync(Project));
        Assert.Equal(("hello there", -1, "greeting"), (verdict.Text, verdict.Score, verdict.Correction));
        Assert.DoesNotContain(browser.Errors(), e => !e.Contains("favicon", StringComparison.Ordinal));
    }
}
