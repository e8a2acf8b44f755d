using System.Text.Json;
using OpenQA.Selenium;
using OpenQA.Selenium.Chrome;

namespace Pipeline.LocalHost.Tests.Pages;

/// <summary>Headless Chromium, as Debian has it.</summary>
internal sealed class Browser : IDisposable
{
    private const string Chromium = "/usr/bin/chromium";
    private const string Driver = "/usr/bin/chromedriver";
    private const string Network = "performance"; // the log of the network, as ChromeDriver calls it
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(8); // other tests run beside
    private readonly DirectoryInfo _profile = Directory.CreateTempSubdirectory("pipeline-browser-");
    private readonly ChromeDriver _driver;
    private readonly Dictionary<string, string> _urls = new(StringComparer.Ordinal); // by request

    private Browser()
    {
        var options = new ChromeOptions { BinaryLocation = Chromium };
        options.AddArguments(
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1300,1000",
            $"--user-data-dir={_profile.FullName}"
        );
        options.SetLoggingPreference(LogType.Browser, LogLevel.All);
        options.SetLoggingPreference(Network, LogLevel.All);
        var service = ChromeDriverService.CreateDefaultService(Path.GetDirectoryName(Driver), Path.GetFileName(Driver));
        service.SuppressInitialDiagnosticInformation = true;
        _driver = new ChromeDriver(service, options);
    }

    public string Title => _driver.Title;

    public string Url => _driver.Url;

    /// <summary>Starts one; the test is skipped where there is none.</summary>
    public static Browser Start()
    {
        Assert.SkipUnless(
            File.Exists(Chromium) && File.Exists(Driver),
            "Chromium and its driver are not installed: apt-get install chromium chromium-driver"
        );
        return new Browser();
    }

    public void Open(Uri address) => _driver.Navigate().GoToUrl(address);

    /// <summary>Writes into a field.</summary>
    public void Type(By field, string text) => _driver.FindElement(field).SendKeys(text);

    /// <summary>What a script in the page gives.</summary>
    public T Evaluate<T>(string script, params object[] arguments) =>
        (T)_driver.ExecuteScript("return " + script, arguments)!;

    /// <summary>Waits until an expression of the page is true.</summary>
    public async Task UntilAsync(string condition, params object[] arguments)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Patience);
        while (!Evaluate<bool>("!!(" + condition + ")", arguments))
        {
            Assert.False(
                limit.IsCancellationRequested,
                $"waited in vain for {condition}; the page says: {Evaluate<string>("document.body.innerText")}"
            );
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }
    }

    public void Click(By by) => _driver.FindElement(by).Click();

    /// <summary>Errors that the page has met: scripts, refused resources.</summary>
    public IReadOnlyList<string> Errors() =>
        [
            .. _driver
                .Manage()
                .Logs.GetLog(LogType.Browser)
                .Where(l => l.Level >= LogLevel.Severe)
                .Select(l => l.Message),
        ];

    /// <summary>
    /// What servers have answered since the last call, whether or not the page was given it: addresses and status
    /// codes.
    /// </summary>
    public IReadOnlyList<(string Url, int Status)> Responses()
    {
        List<(string, int)> answers = [];
        foreach (LogEntry entry in _driver.Manage().Logs.GetLog(Network))
        {
            JsonElement message = JsonDocument.Parse(entry.Message).RootElement.GetProperty("message");
            JsonElement about = message.GetProperty("params");
            switch (message.GetProperty("method").GetString())
            {
                case "Network.requestWillBeSent":
                    _urls[about.GetProperty("requestId").GetString()!] = about
                        .GetProperty("request")
                        .GetProperty("url")
                        .GetString()!;
                    break;
                case "Network.responseReceivedExtraInfo":
                    string id = about.GetProperty("requestId").GetString()!;
                    answers.Add((_urls.GetValueOrDefault(id, id), about.GetProperty("statusCode").GetInt32()));
                    break;
            }
        }

        return answers;
    }

    public void Dispose()
    {
        _driver.Quit();
        _driver.Dispose();
        _profile.Delete(recursive: true);
    }
}
