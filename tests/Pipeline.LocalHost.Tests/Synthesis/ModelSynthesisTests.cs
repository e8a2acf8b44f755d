using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Configuration;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Datasets.Building;
using Pipeline.Datasets.Configuration;
using Pipeline.Datasets.Ingestion.Rows;
using Pipeline.Datasets.Synthesis;
using Pipeline.Functions.Datasets;
using Pipeline.Functions.Models;
using Pipeline.LocalHost.Commands;
using Pipeline.LocalHost.Processes;
using Pipeline.Tokenization;

namespace Pipeline.LocalHost.Tests.Synthesis;

/// <summary>
/// Rows of a language model, over the real client against a server that answers as Azure OpenAI does, well and badly.
/// </summary>
public sealed class ModelSynthesisTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("pipeline-synthesis-test-").FullName;
    private AzureOpenAiServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await AzureOpenAiServer.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private static string Yaml(string model, string more = "") =>
        // columns and template by name: what is noted is of the synthesis alone
        "columns: { text: text, label: label }\ntemplate: llama2\n"
        + $"validation: {{ maxTokens: 200 }}\nsynthesis:\n  seed: 3\n  model: {{ deployment: gpt, {model} }}\n{more}";

    private static string Csv =>
        "text,label\n"
        + string.Concat(
            Enumerable
                .Range(0, 40)
                .Select(i => i % 2 == 0 ? (i, Noun: "sum", Label: "number") : (i, Noun: "friend", Label: "greeting"))
                .Select(r => $"the {r.Noun} of person {r.i} is {r.i * 17},{r.Label}\n")
        );

    private async Task<DatasetBuild> BuildAsync(
        string yaml,
        string key = "secret-key",
        bool connected = true,
        string timeout = "00:00:20",
        int retries = 6
    )
    {
        ProjectSettings settings = ProjectFile.Read(yaml);
        IConfiguration configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(
                new Dictionary<string, string?>
                {
                    [ModelClients.Endpoint] = connected ? _server.Address.ToString() : null,
                    [ModelClients.Key] = key,
                    [ModelClients.Timeout] = timeout,
                    [ModelClients.Retries] = $"{retries}",
                }
            )
            .Build();
        (ChatEncoder encoder, string sha256) = new BaseCatalog(
            new BaseModelFolders(RepositoryLayout.Models)
        ).EncoderFor(settings);
        var request = new DatasetRequest
        {
            Project = "made",
            Settings = settings,
            Files = [new RawFile("a.csv", Encoding.UTF8.GetBytes(Csv))],
            Encoder = encoder,
            TokenizerSha256 = sha256,
        };
        var synthesis = new RowSynthesis(
            new ModelClients(configuration).For(settings.Synthesis.Model!.Deployment),
            new FolderResponseCache(Path.Combine(_folder, "answers")),
            ModelClients.Missing
        );
        return await DatasetBuilder.BuildAsync(
            request,
            Path.Combine(_folder, "dataset"),
            synthesis,
            TestContext.Current.CancellationToken
        );
    }

    private static List<Example> Rows(DatasetBuild build, string file) =>
        [.. File.ReadLines(Path.Combine(build.Folder, file)).Select(l => ContractJson.Read<Example>(l))];

    private static List<RejectedRow> Rejected(DatasetBuild build) =>
        [
            .. File.ReadLines(Path.Combine(build.Folder, BlobLayout.RejectedFile))
                .Select(l => ContractJson.Read<RejectedRow>(l)),
        ];

    private static IEnumerable<Example> HeldOut(DatasetBuild build) =>
        Rows(build, BlobLayout.ValidationFile).Concat(Rows(build, BlobLayout.TestFile));

    private Task<DatasetBuild> BuildWithDefinitionsAsync() =>
        BuildAsync(
            Yaml(
                "rows: 25, rowsPerCall: 10, examples: 3",
                "labels: [ { name: number, definition: a quantity, examples: [five apples] }, greeting ]\n"
            )
        );

    [Fact]
    public async Task Build_GoodAnswers_AreTrainedOnAndHeldOutRowsAreOfPeople()
    {
        DatasetBuild build = await BuildWithDefinitionsAsync();

        List<Example> synthetic = [.. Rows(build, BlobLayout.TrainFile).Where(r => r.Synthetic is not null)];
        Assert.Equal(50, synthetic.Count);
        Assert.Equal(25, synthetic.Count(r => r.Label == "number"));
        Assert.Equal(
            (50, 50, 50, 6),
            (
                (int)build.Manifest.Synthesis[0].Requested,
                build.Manifest.Synthesis[0].Made,
                build.Manifest.Synthesis[0].Learned,
                build.Manifest.Synthesis[0].Calls
            )
        );
        Assert.DoesNotContain(HeldOut(build), r => r.Synthetic is not null);
        RowCounts rows = build.Manifest.Rows;
        Assert.Equal((90, 90), (rows.Read, rows.Accepted + rows.Rejected + rows.Duplicates));
    }

    [Fact]
    public async Task Build_GoodAnswers_NameTheTrainingRowsTheyWereWrittenFrom()
    {
        DatasetBuild build = await BuildWithDefinitionsAsync();

        List<Example> train = Rows(build, BlobLayout.TrainFile);
        HashSet<string> ids = [.. train.Select(r => r.Id)];
        List<Example> synthetic = [.. train.Where(r => r.Synthetic is not null)];
        Assert.All(
            synthetic,
            r =>
                Assert.True(
                    r.Synthetic is { Generator: "gpt", PromptHash.Length: 16, Parents.Count: > 0 }
                        && r.Synthetic.Parents.All(ids.Contains)
                )
        );
        IEnumerable<ModelAnswer> cached = Directory
            .GetFiles(Path.Combine(_folder, "answers"))
            .Select(f => ContractJson.Read<ModelAnswer>(File.ReadAllBytes(f)));
        Assert.Equal(
            synthetic.SelectMany(r => r.Synthetic!.Parents).Distinct().Order(StringComparer.Ordinal),
            cached.SelectMany(a => a.Parents).Distinct().Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public async Task Build_Prompts_DefineTheLabelsAndShowNoHeldOutRow()
    {
        DatasetBuild build = await BuildWithDefinitionsAsync();

        JsonElement first = _server.Requests.First();
        Assert.Contains(
            "number: a quantity For instance: five apples",
            first.GetProperty("messages")[0].GetProperty("content").GetString(),
            StringComparison.Ordinal
        );
        Assert.True(first.GetProperty("response_format").GetProperty("json_schema").GetProperty("strict").GetBoolean());
        string[] heldOut = [.. HeldOut(build).Select(r => r.Messages[1].Content)];
        Assert.DoesNotContain(
            _server.Requests,
            r =>
                heldOut.Any(h =>
                    r.GetProperty("messages")[1]
                        .GetProperty("content")
                        .GetString()!
                        .Contains($": {h}\n", StringComparison.Ordinal)
                )
        );
    }

    [Fact]
    public async Task Build_Again_PaysNothingTwiceAndGivesTheSameBytes()
    {
        string yaml = Yaml("rows: 20, rowsPerCall: 5, checkLabels: true");
        DatasetManifest first = (await BuildAsync(yaml)).Manifest;
        int paid = _server.Requests.Count;

        DatasetManifest second = (await BuildAsync(yaml)).Manifest;

        Assert.Equal((16, 16), (paid, _server.Requests.Count));
        Assert.Equal(ContractJson.Write(first), ContractJson.Write(second));
        await BuildAsync(Yaml("rows: 25, rowsPerCall: 5, checkLabels: true")); // more of them: only what is missing
        Assert.Equal(20, _server.Requests.Count);
    }

    [Fact]
    public async Task Build_TooManyRequests_WaitsAsLongAsTheServiceSays()
    {
        _server.Next.Enqueue(AzureOpenAiServer.Fault(429, "429", retryAfter: 2));

        DatasetBuild build = await BuildAsync(Yaml("rows: 5, rowsPerCall: 5, concurrency: 1"));

        DateTime[] times = [.. _server.Times];
        Assert.True(times[1] - times[0] >= TimeSpan.FromSeconds(1.9), $"{times[1] - times[0]}");
        Assert.Equal(10, build.Manifest.Synthesis[0].Made);
        Assert.Empty(build.Manifest.Notes);
    }

    [Fact]
    public async Task Build_AnswersThatAreFilteredCutOrBroken_AreSalvagedAndNoted()
    {
        _server.Next.Enqueue(AzureOpenAiServer.Fault(400, "content_filter"));
        _server.Next.Enqueue(_server.Answer("", "content_filter"));
        _server.Next.Enqueue(
            _server.Answer(
                """{"rows": [{"text": "one whole row about tigers"}, """
                    + """{"text": "another whole row about rivers"}, """
                    + """{"text": "a row that was cu""",
                "length"
            )
        );
        _server.Next.Enqueue(_server.Answer("I am sorry, but"));
        _server.Next.Enqueue(
            _server.Answer(
                "```json\n{\"rows\": [{\"text\": \"fenced row about bread\"}, {\"text\": 5}, {\"text\": \"\"}]}\n```"
            )
        );
        _server.Next.Enqueue(AzureOpenAiServer.Fault(500, "oops"));

        DatasetBuild build = await BuildAsync(Yaml("rows: 15, rowsPerCall: 5, concurrency: 1"));

        Assert.Null(build.Fault);
        Assert.Equal(
            (0 + 0 + 2 + 0 + 3 + 5, 2 + 1 + 5),
            (build.Manifest.Synthesis[0].Made, build.Manifest.Synthesis[0].Learned)
        );
        Assert.Equal(2, build.Manifest.Reasons[RejectionReason.MissingText.Name()]);
        Assert.Equal(
            [
                "gpt: answers cut off at maxOutputTokens and kept as far as they go: 1.",
                "gpt: answers no JSON of the form asked for: 1.",
                "gpt: answers refused by the content filter: 2.",
            ],
            build.Manifest.Notes
        );
    }

    [Fact]
    public async Task Build_LabelsThatTheCheckDisputes_GoToAPerson()
    {
        // the third row of each answer; the first label is greeting
        _server.Label = text => text.Contains("003 of a model", StringComparison.Ordinal) ? "number" : null;

        DatasetBuild build = await BuildAsync(Yaml("rows: 5, rowsPerCall: 5, concurrency: 1, checkLabels: true"));

        List<RejectedRow> disputed = [.. Rejected(build).Where(r => r.Reason == RejectionReason.LabelDisputed)];
        Assert.Equal(5, disputed.Count); // one greeting, and four of the five that were written as numbers
        Assert.Contains(
            disputed,
            r => r.Detail.StartsWith("written as 'greeting', checked as 'number'", StringComparison.Ordinal)
        );
        Assert.Equal(5, build.Manifest.Synthesis[0].Learned);
    }

    [Theory]
    [InlineData("tokenBudget: 12000, maxOutputTokens: 2000", 12_000)]
    [InlineData(
        "tokenBudget: 100000000, moneyBudget: 0.02, priceOfMillionIn: 1, priceOfMillionOut: 2, maxOutputTokens: 2000",
        12_000
    )]
    public async Task Build_Budget_IsNeverExceededAndKeepsWhatWasBought(string budget, int most)
    {
        _server.Usage = (900, 1900);

        DatasetBuild build = await BuildAsync(Yaml($"rows: 100, rowsPerCall: 5, concurrency: 4, {budget}"));

        SynthesisSummary summary = build.Manifest.Synthesis[0];
        Assert.InRange(summary.TokensIn + summary.TokensOut, 2800, most);
        Assert.InRange(summary.Cost ?? 0, 0, 0.02);
        Assert.Equal((summary.Calls, 5 * summary.Calls), (_server.Requests.Count, summary.Made));
        Assert.Contains("the budget ends it", Assert.Single(build.Manifest.Notes), StringComparison.Ordinal);
        int paid = _server.Requests.Count;
        Assert.Equal(
            build.Manifest.DatasetId,
            (await BuildAsync(Yaml($"rows: 100, rowsPerCall: 5, concurrency: 4, {budget}"))).Manifest.DatasetId
        );
        Assert.Equal(paid, _server.Requests.Count);
    }

    [Theory]
    [InlineData("deployment: missing", "secret-key", "no deployment 'missing'")]
    [InlineData("deployment: gpt", "wrong-key", "refuses the key or identity (HTTP 401)")]
    public async Task Build_WrongSettings_AreOneClearError(string deployment, string key, string message)
    {
        DatasetException fault = await Assert.ThrowsAsync<DatasetException>(() =>
            BuildAsync(Yaml("rows: 5").Replace("deployment: gpt", deployment, StringComparison.Ordinal), key)
        );

        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(key, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Build_NoEndpoint_HoldsTemplateRowsAloneAndNotesWhy()
    {
        DatasetBuild build = await BuildAsync(
            Yaml(
                "rows: 5",
                "  templates: [ "
                    + "{ text: \"{{name.firstName}} counted {{commerce.product}} of {{company.companyName}}\", "
                    + "label: number, count: 12 } ]\n"
            ),
            connected: false
        );

        Assert.Equal([("templates", 12)], build.Manifest.Synthesis.Select(s => (s.Generator, s.Made)));
        Assert.Contains(
            "Nothing was written by 'gpt': AZURE_OPENAI_ENDPOINT is not set",
            Assert.Single(build.Manifest.Notes),
            StringComparison.Ordinal
        );
        Assert.Contains("templates alone", build.Manifest.Notes[0], StringComparison.Ordinal);
        Assert.Empty(_server.Requests);
    }

    [Fact]
    public async Task Build_ServiceThatHangs_EndsWithWhatWasBought()
    {
        for (int i = 0; i < 100; i++)
        {
            _server.Next.Enqueue(
                i < 1
                    ? _server.Answer("""{"rows": [{"text": "the only row about lamps"}]}""")
                    : AzureOpenAiServer.Fault(503, "away", retryAfter: 0)
            );
        }

        DatasetBuild build = await BuildAsync(Yaml("rows: 30, rowsPerCall: 5, concurrency: 1"), retries: 1);

        Assert.Null(build.Fault);
        Assert.Equal(1, build.Manifest.Synthesis[0].Learned);
        Assert.Contains(
            "the service did not answer some calls (HTTP 503); the dataset is made with what was bought",
            Assert.Single(build.Manifest.Notes),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Build_FirstTryTimesOut_IsRetried()
    {
        _server.Next.Enqueue(context => Task.Delay(TimeSpan.FromSeconds(30), context.RequestAborted));

        DatasetBuild build = await BuildAsync(Yaml("rows: 5, rowsPerCall: 5, concurrency: 1"), timeout: "00:00:01");

        Assert.Equal((10, 3), (build.Manifest.Synthesis[0].Made, _server.Requests.Count));
    }
}
