using System.Text;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Datasets.Building;
using Pipeline.Datasets.Configuration;
using Pipeline.Datasets.Ingestion.Rows;
using static Pipeline.Functions.Tests.Datasets.Ingestion.ExportedRows;

namespace Pipeline.Functions.Tests.Datasets.Ingestion;

/// <summary>Exports of more tools and programs, each as its documentation shows it.</summary>
public sealed class ToolExportTests
{
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

    [Theory]
    [InlineData(
        """{"role": "assistant", "content": null, "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{\"n\": {i}}"}}]}"""
    )]
    [InlineData(
        """{"role": "assistant", "content": "", "function_call": {"name": "add", "arguments": "{\"n\": {i}}"}}"""
    )]
    public void OpenAi_CallsOfFunctions_AreLearnedAsJson(string call)
    {
        string row =
            """{"messages": [{"role": "user", "content": "add {i}"}, CALL, {"role": "tool", "tool_call_id": "c1", "content": "done {i}"}, {"role": "assistant", "content": "it is done, {i}"}], "tools": [{"type": "function", "function": {"name": "add"}}]}""";

        BuiltDataset build = Build("a.jsonl", Lines(row.Replace("CALL", call, StringComparison.Ordinal)));

        Assert.All(
            Rows(build),
            r =>
            {
                Assert.StartsWith("Functions that can be called", r.Messages[0].Content, StringComparison.Ordinal);
                Assert.Matches("""^\{"name": "add", "arguments": \{"n": \d+\}\}$""", r.Messages[2].Content);
            }
        );
        Assert.Equal(24, build.Manifest.Rows.Accepted);
        Assert.Contains(build.Manifest.Notes, n => n.StartsWith("Column 'tools'", StringComparison.Ordinal));
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
            refusal = Assert.Throws<DatasetException>(() => BuiltDataset.FromFiles([RawFile.FromFolder(folder)]));
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

    /// <summary>Corrections come as a text and its class, or as alpaca's, whatever the form of the data.</summary>
    [Theory]
    [InlineData("19-label-studio-json/input.json", "text", "label")]
    [InlineData("02-prodigy-rejected-answers/input.jsonl", "text", "label")]
    [InlineData("17-prompt-completion-as-messages/input.jsonl", "instruction", "output")]
    public void Corrections_OfAnExport_AreReadBesideIt(string dropped, string text, string label)
    {
        RawFile first = RawFile.FromPath(RepositoryFiles.At(["tests", "Golden", "cases", .. dropped.Split('/')]));
        BuiltDataset alone = Build([first]);
        string answer =
            alone.Manifest.Task == TaskKind.Classification ? alone.Manifest.Labels[0] : "just turn it around";
        var corrections = new RawFile(
            "corrections.jsonl",
            Encoding.UTF8.GetBytes(
                Lines($$"""{"{{text}}": "what came back as number {i} of all", "{{label}}": "{{answer}}"}""", 8)
            )
        );

        BuiltDataset build = Build([first, corrections]);

        Assert.Equal(alone.Manifest.Rows.Accepted + 8, build.Manifest.Rows.Accepted);
    }

    [Fact]
    public void TestSet_OfNestedRows_IsReadByTheSamePaths()
    {
        RawFile Nested(string name, int from, int count) =>
            new(
                name,
                Encoding.UTF8.GetBytes(
                    string.Concat(
                        Enumerable
                            .Range(from, count)
                            .Select(i =>
                                Row(
                                    """{"in": {"post": "the row {i} of a garden", "at": "{i}"}, "out": [{"mood": "{l}"}]}""",
                                    i
                                ) + "\n"
                            )
                    )
                )
            );

        var request = new DatasetRequest
        {
            Project = "tool",
            Settings = ProjectFile.Read("columns: { text: in.post, label: 'out[0].mood' }"),
            Encoder = DemoDataset.Encoder,
            TokenizerSha256 = "t",
            Files = [Nested("a.jsonl", 0, 40)],
            TestFile = Nested("test.jsonl", 100, 10),
        };

        Assert.Equal(
            (50, 10),
            (BuiltDataset.From(request).Manifest.Rows.Accepted, BuiltDataset.From(request).Manifest.Rows.Test)
        );
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
