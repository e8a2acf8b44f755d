using System.Net;
using System.Text;
using System.Text.Json;
using Pipeline.Contracts;
using Pipeline.Datasets.Building;
using Pipeline.Datasets.Ingestion.Rows;
using Pipeline.Functions.Datasets;
using Pipeline.LocalHost.Processes;
using Pipeline.Tokenization;
using static Pipeline.LocalHost.Tests.Hosting.HostFixture;

namespace Pipeline.LocalHost.Tests.Hosting;

/// <summary>HTTP requests that come before a run: projects and datasets.</summary>
[Collection(OneHost.Name)]
public sealed class RequestTests(HostFixture host)
{
    /// <summary>What is stored of a dataset, and nothing of its parts.</summary>
    private static readonly string[] DatasetFiles =
    [
        "README.md",
        "audit.html",
        "audit.json",
        "baseline.json",
        "conflicts.jsonl",
        "manifest.json",
        "rejected.jsonl",
        "test-00000-of-00001.parquet",
        "test.jsonl",
        "test.jsonl",
        "train-00000-of-00001.parquet",
        "train.jsonl",
        "train.jsonl",
        "validation-00000-of-00001.parquet",
        "validation.jsonl",
        "validation.jsonl",
    ];

    [Fact]
    public async Task Http_WrongProject_IsRefusedWithTheLine()
    {
        HttpResponseMessage wrong = await host.Http.PutAsync(
            "api/projects/checked",
            new StringContent("task: classification\ntrainings: {}\n"),
            TestContext.Current.CancellationToken
        );
        HttpResponseMessage name = await host.Http.PutAsync(
            "api/projects/NO",
            new StringContent(""),
            TestContext.Current.CancellationToken
        );
        HttpResponseMessage right = await host.Http.PutAsync(
            "api/projects/checked",
            new StringContent(HostFixture.QuickYaml),
            TestContext.Current.CancellationToken
        );

        Assert.Equal(
            [HttpStatusCode.BadRequest, HttpStatusCode.BadRequest, HttpStatusCode.OK],
            new[] { wrong.StatusCode, name.StatusCode, right.StatusCode }
        );
        Assert.Equal("application/problem+json", wrong.Content.Headers.ContentType?.MediaType);
        JsonElement problem = await HostFixture.JsonAsync(wrong);
        string? detail = problem.GetProperty("detail").GetString();
        Assert.Contains("line 2: 'trainings' is not a known key", detail, StringComparison.Ordinal);
        Assert.Equal(detail, problem.GetProperty("error").GetString()); // the former name, for one version
        Assert.Equal(4, (await HostFixture.JsonAsync(right)).GetProperty("training").GetProperty("r").GetInt32());
    }

    /// <summary>A name that leads elsewhere is refused in words wherever it comes in.</summary>
    [Fact]
    public async Task Http_NameThatLeadsElsewhere_IsRefused()
    {
        await host.PutProjectAsync("own-files", HostFixture.QuickYaml);
        await host.Storage.Files.WriteAsync(
            BlobLayout.Raw("other-files", "secret.csv"),
            Encoding.UTF8.GetBytes(HostFixture.Rows(40)),
            TestContext.Current.CancellationToken
        );
        foreach (string call in (string[])["runs", "datasets"])
        {
            foreach (string source in (string[])["../other-files/secret.csv", "/etc/passwd", "a\u0000.csv", "."])
            {
                HttpResponseMessage answer = await host.PostAsync($"api/projects/own-files/{call}", new { source });

                Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
                Assert.Contains(
                    "cannot name a file by its path",
                    (await HostFixture.JsonAsync(answer)).GetProperty("detail").GetString(),
                    StringComparison.Ordinal
                );
            }
        }

        foreach (string id in (string[])["..%2Fprojects", "a%00b", "A'B", new string('a', 500)])
        {
            HttpResponseMessage run = await host.Http.GetAsync($"api/runs/{id}", TestContext.Current.CancellationToken);
            Assert.True(run.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.BadRequest, $"{run.StatusCode}");
        }
    }

    [Fact]
    public async Task Http_Dataset_IsBuiltInPartsWithoutARunAndEqualsOneBuiltAtOnce()
    {
        await host.PutProjectAsync("only-data", HostFixture.QuickYaml);
        HttpResponseMessage missing = await host.PostAsync(
            "api/projects/only-data/datasets",
            new { source = "none.csv" }
        );
        await host.DropAsync("only-data", "sub/rows.csv", HostFixture.Rows(100));

        HttpResponseMessage built = await host.PostAsync(
            "api/projects/only-data/datasets",
            new { source = "sub/rows.csv" }
        );

        Assert.Equal((HttpStatusCode.BadRequest, HttpStatusCode.OK), (missing.StatusCode, built.StatusCode));
        DatasetManifest manifest = (await HostFixture.JsonAsync(built)).Deserialize<DatasetManifest>(
            ContractJson.Compact
        )!;
        Assert.Equal(100, manifest.Rows.Read);
        await host.WaitAsync("only-data", HasEnded); // the drop has started a run too, which builds the same
        Assert.Equal(
            DatasetFiles,
            (
                await host.Storage.Files.ListAsync(
                    BlobLayout.DatasetsContainer,
                    BlobLayout.DatasetPrefix(manifest.DatasetId),
                    TestContext.Current.CancellationToken
                )
            )
                .Select(f => f.Name.Split('/')[^1])
                .Order(StringComparer.Ordinal)
        );

        await AssertEqualsOneBuiltAtOnceAsync(manifest);
    }

    [Fact]
    public async Task Http_DatasetWithSynthesis_HoldsSyntheticRowsAndBuysNoneTwice()
    {
        await host.PutProjectAsync(
            "made-rows",
            HostFixture.QuickYaml
                + "synthesis: { templates: [ "
                + "{ text: 'hello {{name.firstName}} {{name.lastName}}', label: greeting, count: 15 } ], "
                + "model: { deployment: gpt, rows: 10 } }\n"
        );
        await host.Storage.Files.WriteAsync(
            BlobLayout.Raw("made-rows", "rows.csv"),
            Encoding.UTF8.GetBytes(HostFixture.Rows(100)),
            TestContext.Current.CancellationToken
        );

        DatasetManifest manifest = (
            await HostFixture.JsonAsync(
                await host.PostAsync("api/projects/made-rows/datasets", new { source = "rows.csv" })
            )
        ).Deserialize<DatasetManifest>(ContractJson.Compact)!;
        DatasetManifest again = (
            await HostFixture.JsonAsync(
                await host.PostAsync("api/projects/made-rows/datasets", new { source = "rows.csv" })
            )
        ).Deserialize<DatasetManifest>(ContractJson.Compact)!;

        Assert.Equal([("templates", 15), ("gpt", 20)], manifest.Synthesis.Select(s => (s.Generator, s.Made)));
        string[] lines = Encoding
            .UTF8.GetString(
                (
                    await host.Storage.Files.ReadAsync(
                        BlobLayout.Dataset(manifest.DatasetId, BlobLayout.TrainFile),
                        TestContext.Current.CancellationToken
                    )
                )!
            )
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(
            manifest.Synthesis.Sum(s => s.Learned),
            lines.Count(l => ContractJson.Read<Example>(l).Synthetic is not null)
        );
        Assert.Equal(135, manifest.Rows.Read);
        // the same answers: none was bought again
        Assert.Equal((manifest.DatasetId, 2), (again.DatasetId, again.Synthesis[1].Calls));
        Assert.Equal(
            2,
            (
                await host.Storage.Files.ListAsync(
                    BlobLayout.ProjectsContainer,
                    "made-rows/synthesis/",
                    TestContext.Current.CancellationToken
                )
            ).Count
        );
    }

    [Fact]
    public async Task Http_UnknownRunAndStrangeHost_AreRefused()
    {
        Assert.Equal(
            HttpStatusCode.NotFound,
            (await host.Http.GetAsync("api/runs/nobody", TestContext.Current.CancellationToken)).StatusCode
        );
        using var request = new HttpRequestMessage(HttpMethod.Get, "api/runs");
        request.Headers.Host = "evil.example";
        Assert.Equal(
            HttpStatusCode.BadRequest,
            (await host.Http.SendAsync(request, TestContext.Current.CancellationToken)).StatusCode
        );
    }

    private async Task AssertEqualsOneBuiltAtOnceAsync(DatasetManifest manifest)
    {
        string folder = Directory.CreateTempSubdirectory("pipeline-same-").FullName;
        var bases = new BaseCatalog(new BaseModelFolders(RepositoryLayout.Models));
        (ChatEncoder encoder, string sha256) = bases.EncoderFor(manifest.Settings);
        DatasetBuild whole = DatasetBuilder.Build(
            new DatasetRequest
            {
                Project = "only-data",
                Settings = manifest.Settings,
                Files = [new RawFile("sub/rows.csv", Encoding.UTF8.GetBytes(HostFixture.Rows(100)))],
                Encoder = encoder,
                TokenizerSha256 = sha256,
                Shape = bases.ShapeOf(manifest.Settings),
            },
            folder
        );
        Assert.Equal(ContractJson.Write(whole.Manifest), ContractJson.Write(manifest));
        foreach (string file in whole.Files)
        {
            Assert.Equal(
                await File.ReadAllBytesAsync(Path.Combine(folder, file), TestContext.Current.CancellationToken),
                await host.Storage.Files.ReadAsync(
                    BlobLayout.Dataset(manifest.DatasetId, file),
                    TestContext.Current.CancellationToken
                )
            );
        }

        Directory.Delete(folder, recursive: true);
    }
}
