using System.Text.Json;
using System.Text.Json.Nodes;
using Json.Schema;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Datasets.Configuration;
using YamlDotNet.RepresentationModel;

namespace Pipeline.Functions.Tests.Datasets.Configuration;

/// <summary>
/// What is made of the attributes of the settings: the reader's messages, the schema, the page, and the text that ids
/// hash.
/// </summary>
public sealed class SettingsTests
{
    private static readonly string Page = RepositoryFiles.At("docs", "settings.md");

    [Fact]
    public void Page_Tables_AreThoseOfTheSettings() =>
        Assert.Equal(File.ReadAllText(Page), SettingsTables.Update(File.ReadAllText(Page)));

    /// <summary>Every key of the schema is a row of the page, and the other way round.</summary>
    [Fact]
    public void Page_Keys_AreThoseOfTheSchema()
    {
        string[] shown =
        [
            .. File.ReadLines(Page)
                .TakeWhile(l => l != "## Environment variables")
                .Where(l => l.StartsWith("| `", StringComparison.Ordinal) && l.Count(c => c == '|') == 5)
                .SelectMany(l => l.Split('|')[1].Split(" or "))
                .Select(k => k.Trim(' ', '`').Split('.')[^1])
                .Distinct()
                .Order(StringComparer.Ordinal),
        ];

        Assert.Equal([.. Leaves(SettingsSchema.Create()).Distinct().Order(StringComparer.Ordinal)], shown);
    }

    [Fact]
    public void Page_WithoutATable_IsRefusedWithWhatIsMissing() =>
        Assert.Contains(
            "training.neftuneAlpha",
            Assert
                .Throws<DatasetException>(() =>
                    SettingsTables.Update(
                        File.ReadAllText(Page).Replace("<!-- settings: training -->", "", StringComparison.Ordinal)
                    )
                )
                .Message,
            StringComparison.Ordinal
        );

    /// <summary>
    /// What the reader takes the schema takes, and what the reader refuses by its form the schema refuses.
    /// </summary>
    [Theory]
    [InlineData("", true)]
    [InlineData("task: chat\ntraining: { r: 8, activationCheckpointing: full, learningRate: 0.001 }\n", true)]
    [InlineData("labels: [yes, { name: no, aliases: [nope] }]\nsplit: { test: held-out.tsv }\n", true)]
    [InlineData("split: { test: 0.2 }\nprivacy: { mode: mask, types: [EMAIL], locale: de }\n", true)]
    [InlineData("synthesis: { templates: [{ text: 'x {{name.firstName}}', label: a }] }\n", true)]
    [InlineData("training: { memory: lean }\n", true)]
    [InlineData("lables: [a]\n", false)]
    [InlineData("training: { r: 0 }\n", false)]
    [InlineData("training: { learningRate: 0 }\n", false)]
    [InlineData("training: { activationCheckpointing: small }\n", false)]
    [InlineData("task: sorting\n", false)]
    [InlineData("labels: [{ aliases: [a] }]\n", false)]
    [InlineData("split: { test: ../secret.tsv }\n", false)]
    [InlineData("base: ../../etc\n", false)]
    [InlineData("privacy: { locale: xx }\n", false)]
    [InlineData("synthesis: { templates: [{ text: a, label: b, answer: c }] }\n", false)]
    [InlineData("synthesis: { model: { rows: 5 } }\n", false)]
    [InlineData("training: [1]\n", false)]
    public void Schema_File_IsTakenAsTheReaderTakesIt(string yaml, bool taken)
    {
        JsonSchema schema = JsonSchema.FromText(SettingsSchema.Create().ToJsonString());

        Assert.Equal(taken, Record.Exception(() => ProjectFile.Read(yaml)) is null);
        Assert.Equal(taken, schema.Evaluate(JsonSerializer.SerializeToElement(ToJson(yaml))).IsValid);
    }

    [Fact]
    public void Schema_SampleProject_IsTaken()
    {
        string yaml = File.ReadAllText(
            RepositoryFiles.At("functions", "Pipeline.LocalHost", "samples", "tweets", "project.yaml")
        );

        Assert.True(
            JsonSchema
                .FromText(SettingsSchema.Create().ToJsonString())
                .Evaluate(JsonSerializer.SerializeToElement(ToJson(yaml)))
                .IsValid
        );
    }

    /// <summary>A misspelt key, a wrong choice and a number out of range are one message, each with its line.</summary>
    [Fact]
    public void Read_SeveralMistakes_AreOneMessageWithTheirLines()
    {
        string message = Assert
            .Throws<DatasetException>(() =>
                ProjectFile.Read(
                    "tasks: chat\ntraining:\n  epoch: 3\n  method: qloar\n  r: 5000\nprivacy:\n  locale: xx\n"
                )
            )
            .Message;

        Assert.StartsWith(
            "project.yaml: line 1: 'tasks' is not a known key; did you mean 'task'?",
            message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "line 3: 'training.epoch' is not a known key; did you mean 'epochs'?",
            message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "line 4: 'training.method' is 'qloar': use one of qlora, lora, full",
            message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "line 5: 'training.r' is 5000; it must lie between 1 and 1024",
            message,
            StringComparison.Ordinal
        );
        Assert.Contains("line 7: 'privacy.locale' is 'xx': use one of", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("lean", ActivationCheckpointing.Full)]
    [InlineData("balanced", ActivationCheckpointing.Selective)]
    [InlineData("fast", ActivationCheckpointing.None)]
    [InlineData("offload", ActivationCheckpointing.Offload)]
    public void Read_FormerName_IsReadWithAWarning(string former, ActivationCheckpointing now)
    {
        List<string> warnings = [];

        ProjectSettings settings = ProjectFile.Read($"training:\n  memory: {former}\n", warnings.Add);

        Assert.Equal(now, settings.Training.ActivationCheckpointing);
        Assert.Equal(
            $"project.yaml line 2: 'training.memory: {former}' is called 'training.activationCheckpointing: "
                + $"{now.Name()}' now; the former name goes with the next version.",
            Assert.Single(warnings)
        );
        // A job that the version before has written, and the text that ids hash.
        Assert.Equal(
            now,
            ContractJson.Read<TrainingSettings>($$"""{"memory": "{{former}}"}""").ActivationCheckpointing
        );
        Assert.Contains($"\"memory\":\"{former}\"", SettingsIdentity.Write(settings), StringComparison.Ordinal);
        Assert.DoesNotContain("activationCheckpointing", SettingsIdentity.Write(settings), StringComparison.Ordinal);
    }

    /// <summary>Settings parts of run ids that the version before made, of the same files.</summary>
    [Theory]
    [InlineData("tests/Golden/sample-of-before/project.yaml", "bdbcdb")]
    [InlineData("tests/Golden/stored-account/project.yaml", "e34587")]
    public void Identity_OfAFile_IsThatOfTheVersionBefore(string path, string expected)
    {
        ProjectSettings settings = ProjectFile.Read(File.ReadAllText(RepositoryFiles.At(path.Split('/'))));

        Assert.Equal(expected, ContentHash.ShortOf(SettingsIdentity.Write(settings))[..6]);
        Assert.Equal(
            SettingsIdentity.Write(settings),
            SettingsIdentity.Write(ContractJson.Read<ProjectSettings>(ContractJson.Write(settings)))
        );
    }

    private static IEnumerable<string> Leaves(JsonObject schema)
    {
        foreach ((string key, JsonNode? value) in schema["properties"]?.AsObject() ?? [])
        {
            var property = (JsonObject)value!;
            JsonObject[] groups =
            [
                .. ((JsonNode?[])[property, property["items"], .. property["items"]?["anyOf"]?.AsArray() ?? []])
                    .OfType<JsonObject>()
                    .Where(o => o.ContainsKey("properties")),
            ];
            if (property["deprecated"] is null && (groups.Length == 0 || property.ContainsKey("items")))
            {
                yield return key;
            }

            foreach (string inner in groups.SelectMany(Leaves))
            {
                yield return inner;
            }
        }
    }

    /// <summary>A file as JSON, plain scalars by YAML's core schema.</summary>
    private static JsonNode? ToJson(string yaml)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(yaml));
        return stream.Documents.Count == 0 ? new JsonObject() : Node(stream.Documents[0].RootNode);

        static JsonNode? Node(YamlNode node) =>
            node switch
            {
                YamlMappingNode mapping => new JsonObject(
                    mapping.Children.Select(c => KeyValuePair.Create(((YamlScalarNode)c.Key).Value!, Node(c.Value)))
                ),
                YamlSequenceNode list => new JsonArray([.. list.Children.Select(Node)]),
                YamlScalarNode { Style: YamlDotNet.Core.ScalarStyle.Plain, Value: { } plain } => plain
                    is "true"
                        or "false"
                    ? plain == "true"
                : long.TryParse(plain, out long whole) ? whole
                : double.TryParse(plain, System.Globalization.CultureInfo.InvariantCulture, out double number) ? number
                : plain,
                YamlScalarNode other => other.Value,
                _ => null,
            };
    }
}
