using System.Net.Http.Json;
using System.Text;
using Azure.Data.Tables;
using Azure.Storage.Blobs;
using Azure.Storage.Queues;
using Pipeline.Contracts;
using Pipeline.LocalHost.Tests.Hosting;

namespace Pipeline.LocalHost.Tests.Hostile;

/// <summary>
/// <c>serve</c> while everything hostile is dropped, posted and queued and an honest run trains: the run comes to the
/// same bytes as alone, and what was refused is listed with its reason.
/// </summary>
[Trait("Tier", "Slow")]
[Collection("one at a time")]
public sealed class AttackTests : IDisposable
{
    private const string Honest = "honest";
    private const string Yaml =
        "training: { r: 4, epochs: 2, batchSize: 4, warmupSteps: 5 }\n" + HostFixture.QuickEvaluation;
    private readonly string _folder = Directory.CreateTempSubdirectory("pipeline-attack-").FullName;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Serve_UnderAttack_TrainsTheSameBytesAndListsWhatItRefused()
    {
        byte[] alone = await TrainAsync(Path.Combine(_folder, "alone"), isAttacked: false);
        string data = Path.Combine(_folder, "attacked");

        byte[] attacked = await TrainAsync(data, isAttacked: true);

        Assert.Equal(ContentHash.Sha256(alone), ContentHash.Sha256(attacked));
        await using ServeProcess again = await ServeProcess.StartAsync(
            data,
            new Dictionary<string, string>(),
            Cancellation
        );
        using var http = new HttpClient { BaseAddress = again.Address };
        await AssertIsListedAsync(http);
    }

    /// <summary>A whole run on a data folder of its own.</summary>
    private static async Task<byte[]> TrainAsync(string data, bool isAttacked)
    {
        await using ServeProcess host = await ServeProcess.StartAsync(
            data,
            new Dictionary<string, string>(),
            Cancellation
        );
        await host.Storage.PutProjectAsync(Honest, Yaml);
        await host.Storage.DropAsync(Honest, "rows.csv", HostFixture.Rows(200));
        if (isAttacked)
        {
            await AttackAsync(host);
        }

        RunRecord? run = null;
        while (run is null || run.State == RunState.Running)
        {
            await Task.Delay(200, Cancellation);
            run = await host.Storage.Runs.ListAsync(Honest, Cancellation) is [var first, ..] ? first : null;
        }

        Assert.True(run.State == RunState.Completed, $"{run.State}: {run.Error}");
        using var http = new HttpClient { BaseAddress = host.Address };
        if (isAttacked)
        {
            await UntilQuietAsync(host);
            await AssertIsListedAsync(http);
        }

        return (
            await host.Storage.Files.ReadAsync(
                BlobLayout.Adapter(Honest, 1, BlobLayout.AdapterWeightsFile),
                Cancellation
            )
        )!;
    }

    /// <summary>Waits until no other run is under way.</summary>
    private static async Task UntilQuietAsync(ServeProcess host)
    {
        while (
            (await host.Storage.Runs.ListAsync(null, Cancellation)).Any(r => r.State == RunState.Running)
            || (await host.Storage.DeadLetters.ListAsync(Cancellation)).Count < 8
        )
        {
            await Task.Delay(500, Cancellation);
        }
    }

    private static async Task AttackAsync(ServeProcess host)
    {
        BlobContainerClient raw = host.Storage.Blobs.GetBlobContainerClient(BlobLayout.RawContainer);
        string folder = RepositoryFiles.At("tests", "Golden", "hostile");
        await host.Storage.PutProjectAsync("hostile", "limits: { cpuSeconds: 5 }\n" + Yaml);
        foreach (string file in Directory.EnumerateFiles(Path.Combine(folder, "data")))
        {
            await raw.GetBlobClient($"hostile/{Path.GetFileName(file)}").UploadAsync(file, true, Cancellation);
        }

        foreach (string name in (string[])["NO PROJECT/a.csv", "hostile/con.csv", "hostile/a\u202Eb.csv", "x/y.csv"])
        {
            await raw.GetBlobClient(name).UploadAsync(new BinaryData("text,label\na,b\n"), true, Cancellation);
        }

        foreach (
            (string file, int index) in Directory.EnumerateFiles(Path.Combine(folder, "yaml")).Select((f, i) => (f, i))
        )
        {
            string project = $"yaml-{index}";
            await host.Storage.Files.WriteAsync(
                BlobLayout.Project(project),
                await File.ReadAllBytesAsync(file, Cancellation),
                Cancellation
            );
            await host.Storage.DropAsync(project, "rows.csv", HostFixture.Rows(40));
        }

        await QueueAsync(host);
        await PostAsync(host);
    }

    private static async Task QueueAsync(ServeProcess host)
    {
        foreach (string name in BlobLayout.Queues)
        {
            QueueClient queue = host.Storage.Queues.GetQueueClient(name);
            foreach (
                string text in (string[])["", "null", "[]", "{\"runId\":\"../x\",\"attempt\":\"a\"}", "{\"runId\":5}"]
            )
            {
                await queue.SendMessageAsync(text, Cancellation);
            }

            await queue.SendMessageAsync(new string('[', 40_000), Cancellation);
        }

        TableClient runs = host.Storage.Tables.GetTableClient(BlobLayout.RunsTable);
        foreach (string record in (string[])["{", "null", "[]", "{\"runId\":\"x\"}"])
        {
            await runs.UpsertEntityAsync(
                new TableEntity("run", $"bad-{record.Length}") { ["record"] = record, ["project"] = Honest + "-not" },
                TableUpdateMode.Replace,
                Cancellation
            );
        }

        await host.Storage.Files.WriteAsync(
            new BlobAddress(BlobLayout.FeedbackContainer, $"{Honest}/bad.json"),
            "{"u8.ToArray(),
            Cancellation
        );
    }

    private static async Task PostAsync(ServeProcess host)
    {
        using var http = new HttpClient { BaseAddress = host.Address };
        string deep = new string('[', 100_000);
        foreach (string path in (string[])["runs", "datasets", "feedback", "withdrawals"])
        {
            foreach (
                string body in (string[])
                    ["", "null", "[]", deep, "{\"source\":\"../honest/rows.csv\"}", new string('a', 2 << 20)]
            )
            {
                using var content = new StringContent(body, Encoding.UTF8, "application/json");
                HttpResponseMessage answer = await http.PostAsync(
                    $"api/projects/hostile/{path}",
                    content,
                    Cancellation
                );
                Assert.InRange((int)answer.StatusCode, 400, 499);
            }
        }

        foreach (string file in Directory.EnumerateFiles(RepositoryFiles.At("tests", "Golden", "hostile", "yaml")))
        {
            using var content = new ByteArrayContent(await File.ReadAllBytesAsync(file, Cancellation));
            HttpResponseMessage answer = await http.PutAsync("api/projects/posted", content, Cancellation);
            Assert.Equal(400, (int)answer.StatusCode);
        }
    }

    private static async Task AssertIsListedAsync(HttpClient http)
    {
        List<RunRecord> runs = (
            await http.GetFromJsonAsync<List<RunRecord>>("api/runs", ContractJson.Compact, Cancellation)
        )!;
        List<DeadLetter> letters = (
            await http.GetFromJsonAsync<List<DeadLetter>>("api/deadletters", ContractJson.Compact, Cancellation)
        )!;
        (await http.GetAsync("api/dashboard", Cancellation)).EnsureSuccessStatusCode();

        Assert.Contains(runs, r => r is { Project: Honest, State: RunState.Completed });
        foreach (string file in (string[])["cellbomb.xlsx", "crc.zip", "hang633.parquet", "nest.json", "rowref.xlsx"])
        {
            RunRecord run = Assert.Single(runs, r => r.Source == file);
            Assert.True(run.State == RunState.Failed && run.Error!.Contains(file, StringComparison.Ordinal), run.Error);
        }

        Assert.All(letters, l => Assert.NotEmpty(l.Reason));
        foreach (
            string what in (string[])
                ["raw/NO PROJECT/a.csv", "raw/hostile/con.csv", "raw/x/y.csv", "raw/yaml-0/rows.csv"]
        )
        {
            Assert.Contains(letters, l => l.What == what);
        }
    }
}
