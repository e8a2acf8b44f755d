using System.Globalization;
using System.Text;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Datasets.Building;
using Pipeline.Datasets.Configuration;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Functions.Tests.Datasets.Ingestion;

/// <summary>Exports of more tools and programs, each as its documentation shows it.</summary>
public sealed class ToolExportTests
{
    private static BuiltDataset Build(string name, string content, string yaml = "") =>
        BuiltDataset.From(
            new DatasetRequest
            {
                Project = "tool",
                Settings = ProjectFile.Read(yaml),
                Encoder = DemoDataset.Encoder,
                TokenizerSha256 = "t",
                Files = [new RawFile(name, Encoding.UTF8.GetBytes(content))],
            }
        );

    /// <summary>Lines of which the places {i} and {l} are the number and the label.</summary>
    private static string Lines(string row, int count = 24, string labels = "ab") =>
        string.Concat(Enumerable.Range(0, count).Select(i => Row(row, i, labels) + "\n"));

    private static string Row(string row, int i, string labels = "ab") =>
        row.Replace("{i}", i.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
            .Replace("{l}", labels[i % labels.Length].ToString(), StringComparison.Ordinal);

    private static List<Example> Rows(BuiltDataset build) =>
        build.Rows(BlobLayout.TrainFile, BlobLayout.ValidationFile, BlobLayout.TestFile);

    private static string Labels(BuiltDataset build) =>
        string.Join(
            ", ",
            Rows(build)
                .CountBy(r => r.Label!)
                .OrderBy(g => g.Key, StringComparer.Ordinal)
                .Select(g => $"{g.Key} {g.Value}")
        );

    private static string Summary(BuiltDataset build) => $"{build.Manifest.Layout}, {build.Manifest.Task.Name()}";

    private const string ArgillaRecord =
        """{"id": "{i}", "fields": {"text": "the row {i} of the garden"}, "metadata": {}, "suggestions": {"label": {"value": "x", "score": 0.9, "agent": "m"}}, "responses": {"label": [{"value": "{l}", "user_id": "u", "status": "STATUS"}]}, "vectors": {}, "status": "completed", "_server_id": "s{i}"}""";

    private const string ArgillaColumns =
        """{"id": "{i}", "status": "completed", "_server_id": "s{i}", "text": "the row {i} of the garden", "label.responses": ["{l}"], "label.responses.users": ["u"], "label.responses.status": ["STATUS"], "label.suggestion": "x", "label.suggestion.score": 0.9, "label.suggestion.agent": null}""";

    private const string ArgillaFeedback =
        """{"text": "the row {i} of the garden", "label": [{"user_id": "u", "value": "{l}", "status": "STATUS"}], "label-suggestion": "x", "label-suggestion-metadata": {"type": null, "score": null, "agent": null}, "external_id": null, "metadata": "{}"}""";

    private const string ArgillaOlder =
        """{"text": "the row {i} of the garden", "inputs": {"text": "the row {i} of the garden"}, "prediction": [{"label": "x", "score": 0.9}], "prediction_agent": "m", "annotation": "{l}", "annotation_agent": "u", "multi_label": false, "id": "{i}", "metadata": {}, "status": "OLDER", "vectors": null}""";

    [Theory]
    [InlineData(ArgillaRecord)]
    [InlineData(ArgillaColumns)]
    [InlineData(ArgillaFeedback)]
    [InlineData(ArgillaOlder)]
    public void Argilla_OfEachVersion_IsWhatWasSubmitted(string row)
    {
        string Records(string status, string older, int count) =>
            Lines(
                row.Replace("STATUS", status, StringComparison.Ordinal)
                    .Replace("OLDER", older, StringComparison.Ordinal),
                count
            );

        BuiltDataset build = Build(
            "a.jsonl",
            Records("submitted", "Validated", 24)
                + Records("draft", "Default", 2).Replace("the row", "a draft", StringComparison.Ordinal)
                + Records("discarded", "Discarded", 3).Replace("the row", "some page", StringComparison.Ordinal)
        );

        Assert.Equal("Argilla export, classification", Summary(build));
        Assert.Equal("a 12, b 12", Labels(build));
        Assert.Equal(2, build.Manifest.Reasons[RejectionReason.MissingLabel.Name()]);
        Assert.Equal(3, build.Manifest.Reasons[RejectionReason.Disapproved.Name()]);
    }

    [Fact]
    public void Argilla_AnnotatorsWhoDisagree_AreNotLearned()
    {
        string row = ArgillaColumns
            .Replace("[\"{l}\"]", "[\"{l}\", \"OTHER\"]", StringComparison.Ordinal)
            .Replace("[\"STATUS\"]", "[\"submitted\", \"submitted\"]", StringComparison.Ordinal);

        BuiltDataset build = Build(
            "a.jsonl",
            Lines(row.Replace("OTHER", "{l}", StringComparison.Ordinal))
                + Lines(row.Replace("OTHER", "c", StringComparison.Ordinal), 4)
                    .Replace("the row", "some page", StringComparison.Ordinal)
        );

        Assert.Equal("a 12, b 12", Labels(build));
        Assert.Equal(4, build.Manifest.Reasons[RejectionReason.ConflictingLabel.Name()]);
    }

    [Fact]
    public void Argilla_WithSeveralQuestions_AsksWhichIsLearned()
    {
        string row =
            """{"id": "{i}", "text": "the row {i} of the garden", "tone.responses": ["{l}"], "tone.responses.status": ["submitted"], "mood.responses": ["good"], "mood.responses.status": ["submitted"]}""";

        DatasetException question = Assert.Throws<DatasetException>(() => Build("a.jsonl", Lines(row)));

        Assert.Equal(DatasetFaultCode.NeedsSettings, question.Code);
        Assert.Equal("a 12, b 12", Labels(Build("a.jsonl", Lines(row), question.Message.Split("\n\n", 2)[1])));
    }

    [Fact]
    public void Argilla_Spans_AreExtracted()
    {
        string row =
            """{"id": "{i}", "text": "Anna lives in Bonn {i}", "ner.responses": [[{"start": 14, "end": 18, "label": "CITY"}]], "ner.responses.status": ["submitted"]}""";

        BuiltDataset build = Build("a.jsonl", Lines(row));

        Assert.Equal("Argilla export, extraction", Summary(build));
        Assert.All(Rows(build), r => Assert.Equal("""{"CITY":["Bonn"]}""", r.Messages[^1].Content));
    }

    [Fact]
    public void Oasst_Trees_AreTheBestReplies()
    {
        string row =
            """{"message_tree_id": "{i}", "tree_state": "ready", "prompt": {"text": "what is number {i}", "role": "prompter", "replies": [{"text": "bad {i}", "role": "assistant", "rank": 1, "replies": []}, {"text": "it is {i}", "role": "assistant", "rank": 0, "replies": [{"text": "and twice that of {i}?", "role": "prompter", "replies": [{"text": "gone", "role": "assistant", "deleted": true, "replies": []}, {"text": "more than {i}", "role": "assistant", "review_result": true, "replies": [{"text": "thanks", "role": "prompter", "replies": []}]}]}]}]}}""";

        BuiltDataset build = Build("a.jsonl", Lines(row));

        Assert.Equal("Open Assistant trees (the best replies), chat", Summary(build));
        Assert.All(Rows(build), r => Assert.Equal(4, r.Messages.Count));
        Assert.All(Rows(build), r => Assert.StartsWith("it is", r.Messages[1].Content, StringComparison.Ordinal));
        Assert.Contains(
            "single messages of Open Assistant",
            Assert
                .Throws<DatasetException>(() =>
                    Build(
                        "b.jsonl",
                        Lines(
                            """{"message_id": "{i}", "parent_id": null, "message_tree_id": "t", "text": "row {i}", "role": "prompter"}"""
                        )
                    )
                )
                .Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData(
        "inputs,outputs,id",
        "\"{\"\"question\"\": \"\"what is the number {i}\"\"}\",\"{\"\"answer\"\": \"\"it is just {i}\"\"}\",{i}"
    )]
    [InlineData("inputs.question,outputs.answer,id", "what is the number {i},it is just {i},{i}")]
    [InlineData("inputs_question,outputs_answer,id", "what is the number {i},it is just {i},{i}")]
    public void LangSmith_Csv_IsQuestionsAndAnswers(string header, string row)
    {
        BuiltDataset build = Build("a.csv", header + "\n" + Lines(row));

        Assert.Equal("prompt and completion, instruction", Summary(build));
        Assert.All(
            Rows(build),
            r => Assert.StartsWith("what is the number", r.Messages[0].Content, StringComparison.Ordinal)
        );
        Assert.All(Rows(build), r => Assert.StartsWith("it is just", r.Messages[^1].Content, StringComparison.Ordinal));
    }

    [Fact]
    public void LangSmith_Messages_AreADialogue()
    {
        string row =
            """{"inputs": {"messages": [{"role": "user", "content": "what is {i}"}]}, "outputs": {"message": {"role": "assistant", "content": "a number, {i}"}}}""";

        BuiltDataset build = Build("a.jsonl", Lines(row));

        Assert.All(Rows(build), r => Assert.StartsWith("a number", r.Messages[^1].Content, StringComparison.Ordinal));
    }

    [Fact]
    public void Doccano_EachForm_IsRead()
    {
        string Classes(string json) => Labels(Build("a.jsonl", Lines(json)));

        Assert.Equal(
            "a 12, b 12",
            Classes("""{"id": {i}, "text": "the row {i} of a garden", "label": ["{l}"], "Comments": []}""")
        );
        BuiltDataset spans = Build(
            "b.jsonl",
            Lines(
                """{"id": {i}, "text": "Anna lives in {i}", "entities": [{"id": 1, "label": "NAME", "start_offset": 0, "end_offset": 4}], "relations": []}"""
            )
        );
        Assert.All(Rows(spans), r => Assert.Equal("""{"NAME":["Anna"]}""", r.Messages[^1].Content));
        BuiltDataset texts = Build(
            "c.jsonl",
            Lines(
                """{"id": {i}, "text": "translate the sentence {i}", "label": ["the sentence number {i} in another language"]}"""
            )
        );
        Assert.Equal("text and label, instruction", Summary(texts));
        Assert.All(
            Rows(texts),
            r => Assert.StartsWith("the sentence", r.Messages[^1].Content, StringComparison.Ordinal)
        );
    }

    [Fact]
    public void LabelStudio_MinAndCsv_AreRead()
    {
        string min =
            "["
            + Lines(
                    """{"id": {i}, "text": "the row {i} of a garden", "sentiment": "{l}", "annotator": 1, "annotation_id": {i}, "created_at": "2024-01-01T00:00:00Z", "lead_time": 3.5},"""
                )
                .TrimEnd('\n', ',')
            + "]";
        string csv =
            "text,id,sentiment,annotator,annotation_id,created_at,updated_at,lead_time\n"
            + Lines("the row {i} of a garden,{i},{l},1,{i},2024-01-01T00:00:00Z,2024-01-01T00:00:00Z,3.5");
        string several =
            "text,id,sentiment\n"
            + Lines("the row {i} of a garden,{i},\"{\"\"choices\"\": [\"\"a\"\", \"\"b\"\"]}\"", 4)
                .Replace("the row", "another row", StringComparison.Ordinal);
        string spans =
            "text,id,label\n"
            + Lines(
                "Anna lives in {i},{i},\"[{\"\"start\"\": 0, \"\"end\"\": 4, \"\"text\"\": \"\"Anna\"\", \"\"labels\"\": [\"\"NAME\"\"]}]\""
            );

        Assert.Equal("a 12, b 12", Labels(Build("a.json", min)));
        Assert.Equal("a 12, b 12", Labels(Build("a.csv", csv)));
        BuiltDataset both = Build(
            "a.csv",
            "text,id,sentiment\n"
                + Lines("the row {i} of a garden,{i},{l}")
                + several[several.IndexOf('\n', StringComparison.Ordinal)..].TrimStart()
        );
        Assert.Equal(("a 12, b 12", 4), (Labels(both), both.Manifest.Reasons[RejectionReason.SeveralLabels.Name()]));
        Assert.All(Rows(Build("b.csv", spans)), r => Assert.Equal("""{"NAME":["Anna"]}""", r.Messages[^1].Content));
    }

    [Fact]
    public void Prodigy_SpansThatWereRejected_AreNotLearned()
    {
        string row =
            """{"text": "Anna lives in {i}", "spans": [{"start": 0, "end": 4, "label": "NAME"}], "answer": "VERDICT"}""";

        BuiltDataset build = Build(
            "a.jsonl",
            Lines(row.Replace("VERDICT", "accept", StringComparison.Ordinal))
                + Lines(row.Replace("VERDICT", "reject", StringComparison.Ordinal), 5)
                    .Replace("lives", "works", StringComparison.Ordinal)
        );

        Assert.Equal(5, build.Manifest.Reasons[RejectionReason.Disapproved.Name()]);
        Assert.Equal("span annotations with the annotator's verdict, extraction", Summary(build));
    }

    [Fact]
    public void Arrow_OfSaveToDisk_IsRefusedByName()
    {
        string folder = Directory.CreateTempSubdirectory("save-to-disk-").FullName;
        File.WriteAllBytes(Path.Combine(folder, "data-00000-of-00001.arrow"), [0xFF, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0]);
        File.WriteAllText(Path.Combine(folder, "dataset_info.json"), """{"features": {"text": {"dtype": "string"}}}""");
        File.WriteAllText(
            Path.Combine(folder, "state.json"),
            """{"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}"""
        );
        DatasetException refusal;
        try
        {
            refusal = Assert.Throws<DatasetException>(() =>
                BuiltDataset.From(
                    new DatasetRequest
                    {
                        Project = "tool",
                        Settings = new(),
                        Encoder = DemoDataset.Encoder,
                        TokenizerSha256 = "t",
                        Files = [RawFile.FromFolder(folder)],
                    }
                )
            );
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        Assert.Contains("save_to_disk", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""["the row {i} of a garden", "{l}"],""", """["text", "label"],""")]
    [InlineData("""["the row {i} of a garden", "{l}"],""", "")]
    public void Json_ListsOfLists_AreRows(string row, string header)
    {
        BuiltDataset build = Build("a.json", "[" + header + "\n" + Lines(row).TrimEnd('\n', ',') + "\n]");

        Assert.Equal("a 12, b 12", Labels(build));
        Assert.Contains(build.Manifest.Notes, n => n.Contains("are lists", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("a.json", "[\n", "\n]")]
    [InlineData("a.jsonl", "[\n", "\n]")]
    [InlineData("a.jsonl", "", "")]
    public void Json_WithCommasAndPythonsWords_IsRead(string name, string before, string after)
    {
        string rows = Lines(
            """{"text": "the row {i} of a garden with \"NaN, Infinity", "label": "{l}", "score": NaN, "from": -Infinity, "to": [Infinity, NaN]},"""
        );

        BuiltDataset build = Build(name, before + rows.TrimEnd('\n', ',') + after);

        Assert.Equal("a 12, b 12", Labels(build));
        Assert.All(Rows(build), r => Assert.Contains("\"NaN, Infinity", r.Text, StringComparison.Ordinal));
    }

    /// <summary>Words at every place of the buffer's border.</summary>
    [Fact]
    public void Json_ArrayLongerThanTheBuffer_IsReadWhereverAWordIsCut()
    {
        string rows = string.Concat(
            Enumerable
                .Range(0, 3000)
                .Select(i =>
                    $$"""{"text": "row {{i}} {{new string('x', i % 97)}}", "label": "{{"ab"[i % 2]}}", "score": {{(i % 3 == 0 ? "NaN" : i % 3 == 1 ? "-Infinity" : "Infinity")}}},"""
                    + "\n"
                )
        );

        BuiltDataset build = Build("a.json", "[" + rows.TrimEnd('\n', ',') + "]");

        Assert.Equal(3000, build.Manifest.Rows.Read);
        Assert.DoesNotContain(RejectionReason.Malformed.Name(), build.Manifest.Reasons.Keys);
    }

    [Fact]
    public void Recognition_SaysItsEvidenceAndSecondGuess()
    {
        string note = Build(
            "a.csv",
            "instruction,output,label\n" + Lines("tell me about number {i},it is the number {i} of all,{l}")
        ).Manifest.Notes[0];

        Assert.StartsWith(
            "Recognised as alpaca by columns 'instruction' and 'output': 100 % of the first 24 rows fit",
            note,
            StringComparison.Ordinal
        );
        Assert.Contains("second guess: text and label", note, StringComparison.Ordinal);
    }
}
