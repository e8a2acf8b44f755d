using System.Globalization;
using System.Text;
using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Functions.Tests.Datasets.Ingestion;

/// <summary>
/// Exports of annotation tools and tables of other programs (tests/Golden/cases): what the data says is learned, or the
/// row is rejected with the true reason.
/// </summary>
public sealed class ExportCaseTests
{
    private const string Sentiments = "negative 10, neutral 10, positive 10";

    private static BuiltDataset Build(string file, string yaml = "") =>
        Build(RawFile.FromPath(RepositoryFiles.At(["tests", "Golden", "cases", .. file.Split('/')])), yaml);

    private static BuiltDataset Build(RawFile file, string yaml) => BuiltDataset.FromFiles([file], yaml);

    private static BuiltDataset BuildText(string name, string content, string yaml = "") =>
        Build(new RawFile(name, Encoding.UTF8.GetBytes(content)), yaml);

    private static List<Example> Rows(BuiltDataset build) =>
        build.Rows(BlobLayout.TrainFile, BlobLayout.ValidationFile, BlobLayout.TestFile);

    private static string Labels(BuiltDataset build) =>
        string.Join(
            ", ",
            Rows(build)
                .GroupBy(r => r.Label)
                .OrderBy(g => g.Key, StringComparer.Ordinal)
                .Select(g => $"{g.Key} {g.Count().ToString(CultureInfo.InvariantCulture)}")
        );

    private static string Rejected(BuiltDataset build) =>
        string.Join(
            ", ",
            build
                .Manifest.Reasons.OrderBy(r => r.Key, StringComparer.Ordinal)
                .Select(r => $"{r.Key} {r.Value.ToString(CultureInfo.InvariantCulture)}")
        );

    [Theory]
    [InlineData("01-label-list-of-one/input.jsonl", "", Sentiments, "")]
    [InlineData("01-label-list-of-one/input.jsonl", "labels: [negative, neutral, positive]", Sentiments, "")]
    [InlineData("05-parquet-list-of-strings/input.parquet", "", Sentiments, "")]
    [InlineData("06-parquet-map-column/input.parquet", "", Sentiments, "")]
    [InlineData("11-excel-sep-line/input.csv", "", Sentiments, "")]
    [InlineData("11-excel-sep-line/input-two-columns.csv", "", Sentiments, "")]
    [InlineData(
        "11-excel-sep-line/input-two-columns.csv",
        "columns: { text: comment, label: sentiment }",
        Sentiments,
        ""
    )]
    [InlineData("12-nan-in-unused-field/input.jsonl", "", Sentiments, "")]
    [InlineData("26-dataframe-to-json/input.json", "", Sentiments, "")]
    [InlineData("22-invisible-characters-in-labels/input.csv", "", "negative 12, neutral 12, positive 12", "")]
    public void Labels_OfAnExport_AreWhatTheAnnotatorsSaid(string file, string yaml, string labels, string rejected)
    {
        BuiltDataset build = Build(file, yaml);

        Assert.Equal((labels, rejected), (Labels(build), Rejected(build)));
    }

    /// <summary>Siblings of the same kinds, in other formats and spellings.</summary>
    [Theory]
    [InlineData("[\"{0}\"]", "a 6, b 6")]
    [InlineData("[[\"{0}\"]]", "a 6, b 6")]
    public void Labels_ListOfOneInACsv_AreItsElement(string cell, string labels)
    {
        string csv =
            "text,label\n" + Twelve(i => $"\"{Cell(cell, i).Replace("\"", "\"\"", StringComparison.Ordinal)}\"");

        Assert.Equal(labels, Labels(BuildText("a.csv", csv)));
    }

    [Theory]
    [InlineData("[\"a\",\"b\"]", RejectionReason.SeveralLabels)]
    [InlineData("[]", RejectionReason.MissingLabel)]
    [InlineData("{\"id\":1,\"name\":\"a\"}", RejectionReason.Malformed)]
    [InlineData("{\"a\":1.0,\"b\":0.0}", RejectionReason.Malformed)]
    [InlineData("null", RejectionReason.MissingLabel)]
    public void Labels_ListOfSeveralOrObject_NeverBecomeAClass(string cell, RejectionReason reason)
    {
        string json = string.Concat(
            Enumerable
                .Range(0, 30)
                .Select(i =>
                    $$"""{"text": "row number {{i}} about the garden", "label": {{(i < 24 ? $"\"{"ab"[i % 2]}\"" : cell)}}}"""
                    + "\n"
                )
        );

        BuiltDataset build = BuildText("a.jsonl", json);

        Assert.Equal(("a 12, b 12", $"{reason.Name()} 6"), (Labels(build), Rejected(build)));
    }

    /// <summary>Odd values deep in a cell are rejected rows, and no fault of the run.</summary>
    [Theory]
    [InlineData("""{"text": "row N of the garden", "label": ["\ud83d"]}""")]
    [InlineData("""{"text": ["\ud83d"], "label": "a"}""")]
    [InlineData("""{"text": {}, "label": {}}""")]
    [InlineData("""{"instruction": "row N", "output": "answer N", "history": [null, ["a", null], ["\ud83d", "b"]]}""")]
    [InlineData("""{"prompt": [{"role": "\ud83d"}], "completion": "answer N of the garden"}""")]
    [InlineData("""{"data": {"text": "\ud83d"}, "annotations": [{"result": [1, {"value": 2}]}]}""")]
    [InlineData("""{"data": 1, "annotations": 2}""")]
    public void Rows_WithOddValues_AreRejectedAndTheOthersLearned(string odd)
    {
        (string Marker, string Sound)[] kinds =
        [
            (
                "annotations",
                """{"data": {"text": "row N of the garden"}, "annotations": [{"result": [{"value": {"choices": ["L"]}}]}]}"""
            ),
            ("history", """{"instruction": "row N of the garden", "output": "answer N", "history": []}"""),
            ("completion", """{"prompt": "row N of the garden", "completion": "answer number N here"}"""),
            ("label", """{"text": "row N of the garden", "label": "L"}"""),
        ];
        string sound = kinds.First(k => odd.Contains(k.Marker, StringComparison.Ordinal)).Sound;
        // Behind the rows by which the layout is recognised, too.
        string json = string.Concat(
            Enumerable
                .Range(0, 1100)
                .Select(i =>
                    (i is 3 or 1050 ? odd : sound)
                        .Replace("N", $"{i}", StringComparison.Ordinal)
                        .Replace("\"L\"", $"\"{"ab"[i % 2]}\"", StringComparison.Ordinal) + "\n"
                )
        );

        BuiltDataset build = BuildText("a.jsonl", json);

        Assert.Equal(1100, build.Manifest.Rows.Read);
        Assert.True(build.Manifest.Rows.Rejected >= 2);
        Assert.True(build.Manifest.Rows.Accepted > 0);
    }

    [Fact]
    public void Labels_PathIntoAnObject_IsRead()
    {
        string json = string.Concat(
            Enumerable
                .Range(0, 12)
                .Select(i =>
                    $$$"""{"doc": {"body": "row number {{{i}}} about the garden"}, "result": [{"name": "{{{"ab"[i % 2]}}}"}]}"""
                    + "\n"
                )
        );

        Assert.Equal(
            "a 6, b 6",
            Labels(BuildText("a.jsonl", json, "columns: { text: doc.body, label: 'result[0].name' }"))
        );
    }

    [Fact]
    public void Prodigy_RejectedAndIgnoredAnswers_AreLeftOutAsDisapproved()
    {
        BuiltDataset build = Build("02-prodigy-rejected-answers/input-two-labels.jsonl");

        Assert.Equal("disapproved 20", Rejected(build));
        Assert.Equal(10, build.Manifest.Rows.Accepted);
        BuiltDataset one = Build("02-prodigy-rejected-answers/input.jsonl");
        Assert.Equal((10, "disapproved 20"), (one.Manifest.Rows.Accepted, Rejected(one)));
    }

    [Fact]
    public void Prodigy_Choice_LearnsTheChosenOption()
    {
        BuiltDataset build = Build("03-prodigy-choice/input.jsonl");

        Assert.Equal("disapproved 5", Rejected(build));
        Assert.Equal(25, build.Manifest.Rows.Accepted);
        Assert.Equal(["negative", "neutral", "positive"], build.Manifest.Labels);
    }

    [Fact]
    public void OpenAi_AnswersOfWeightZero_AreContext()
    {
        BuiltDataset build = Build("04-openai-weight-zero/input.jsonl");

        Assert.Equal(431, build.Audit.Splits.Values.Sum(s => s.Supervised));
        foreach (Example row in Rows(build))
        {
            string learned = string.Join(
                ' ',
                DemoDataset
                    .Encoder.Encode(row.Messages)
                    .Answers()
                    .Select(a => DemoDataset.Encoder.Tokenizer.Decode([.. a]))
            );
            Assert.DoesNotContain("WRONG ANSWER", learned, StringComparison.Ordinal);
        }

        Assert.Contains("\"weight\":0", build.Text(BlobLayout.TrainFile), StringComparison.Ordinal);
    }

    /// <summary>ShareGPT's per-message flags, and a row in which nothing is to be learned.</summary>
    [Fact]
    public void ShareGpt_TrainFalse_IsContext()
    {
        string Row(int i, string first, string last) =>
            $$$"""{"conversations": [{"from": "human", "value": "question {{{i}}} of the garden"}, {"from": "gpt", "value": "WRONG {{{i}}}", "train": {{{first}}}}, {"from": "human", "value": "and once more {{{i}}}"}, {"from": "gpt", "value": "right {{{i}}}", "train": {{{last}}}}]}"""
            + "\n";
        string json = string.Concat(Enumerable.Range(0, 20).Select(i => Row(i, "false", i < 16 ? "true" : "false")));

        BuiltDataset build = BuildText("a.jsonl", json);

        Assert.Equal("nothing_to_learn 4", Rejected(build));
        Assert.All(Rows(build), r => Assert.Single(DemoDataset.Encoder.Encode(r.Messages).Answers()));
    }

    [Fact]
    public void Notes_ColumnsThatNothingIsLearnedFrom_AreNamed() =>
        Assert.Contains(
            "Not read of 'input.jsonl': 'category'.",
            Build("07-context-column-dropped/input.jsonl").Manifest.Notes
        );

    [Fact]
    public void Alpaca_ContextOfDolly_IsInTheQuestion() =>
        Assert.All(
            Rows(Build("07-context-column-dropped/input.jsonl")),
            r =>
                Assert.Contains(
                    "Report ",
                    r.Messages.Last(m => m.Role == MessageRole.User).Content,
                    StringComparison.Ordinal
                )
        );

    [Fact]
    public void Alpaca_History_IsReadBeforeTheInstruction() =>
        Assert.All(
            Rows(Build("08-alpaca-history-dropped/input.json")),
            r =>
                Assert.Equal(
                    "system user assistant user assistant",
                    string.Join(' ', r.Messages.Select(m => m.Role.Name()))
                )
        );

    [Theory]
    [InlineData("task: instruction")]
    [InlineData("")]
    public void PromptCompletion_AsMessages_IsADialogue(string yaml)
    {
        List<Example> rows = Rows(Build("17-prompt-completion-as-messages/input.jsonl", yaml));

        Assert.NotEmpty(rows);
        Assert.All(
            rows,
            r =>
            {
                Assert.Equal("system user assistant", string.Join(' ', r.Messages.Select(m => m.Role.Name())));
                Assert.DoesNotContain("\"role\"", r.Messages[^1].Content, StringComparison.Ordinal);
            }
        );
    }

    [Theory]
    [InlineData("")]
    [InlineData("task: instruction\ncolumns: { text: inputs, label: outputs }")]
    [InlineData("task: instruction\ncolumns: { text: inputs.question, label: outputs.answer }")]
    public void LangSmith_InputsAndOutputs_AreQuestionAndAnswer(string yaml)
    {
        List<Example> rows = Rows(Build("18-langsmith-inputs-outputs/input.jsonl", yaml));

        Assert.NotEmpty(rows);
        Assert.All(
            rows,
            r => Assert.DoesNotContain("{", string.Concat(r.Messages.Select(m => m.Content)), StringComparison.Ordinal)
        );
    }

    [Fact]
    public void LabelStudio_Choices_AreLabelsAndCancelledRowsAreLeftOut()
    {
        BuiltDataset build = Build("19-label-studio-json/input.json");

        Assert.Equal((29, "disapproved 1"), (build.Manifest.Rows.Accepted, Rejected(build)));
        Assert.Equal(["Negative", "Neutral", "Positive"], build.Manifest.Labels);
    }

    [Fact]
    public void LabelStudio_SpansOfTheShortExport_AreRead()
    {
        BuiltDataset build = Build("19-label-studio-json/input-spans-min.json");

        Assert.Equal((TaskKind.Extraction, 24), (build.Manifest.Task, build.Manifest.Rows.Accepted));
        Assert.Contains("""{"PER":["Alma Berg"]}""", Rows(build).Select(r => r.Messages[^1].Content));
    }

    [Fact]
    public void FastText_SeveralLabels_AreRejectedByThatReason()
    {
        BuiltDataset build = Build("20-fasttext-several-labels/input.txt");

        Assert.All(Rows(build), r => Assert.DoesNotContain("__label__", r.Text, StringComparison.Ordinal));
        Assert.Equal("several_labels", Assert.Single(build.Manifest.Reasons).Key);
    }

    [Fact]
    public void Labels_MarkersOfAMissingValue_AreMissing()
    {
        BuiltDataset build = Build("21-missing-value-markers-as-labels/input.csv");

        Assert.Equal(["neutral", "positive"], build.Manifest.Labels);
        Assert.Equal("missing_label", Assert.Single(build.Manifest.Reasons).Key);
    }

    /// <summary>A name that project.yaml declares is a label, whatever it looks like.</summary>
    [Fact]
    public void Labels_MarkerThatIsDeclared_IsALabel()
    {
        string csv = "text,label\n" + Twelve(i => i % 2 == 0 ? "None" : "some");

        Assert.Equal("None 6, some 6", Labels(BuildText("a.csv", csv, "labels: [None, some]")));
        Assert.Equal("some 6", Labels(BuildText("a.csv", csv)));
    }

    [Fact]
    public void Answers_ThatDoNotRepeat_AreFreeTexts()
    {
        BuiltDataset build = Build("23-free-answers-guessed-as-classes/input.jsonl");

        Assert.Equal((TaskKind.Instruction, 24), (build.Manifest.Task, build.Manifest.Rows.Accepted));
    }

    [Fact]
    public void Chat_PythonSourceOfMessages_IsRejectedAsMalformed()
    {
        BuiltDataset build = Build(
            "24-python-repr-of-messages/input.csv",
            "task: chat\ncolumns: { text: messages, label: messages }"
        );

        Assert.Equal(0, build.Manifest.Rows.Accepted);
        Assert.Equal("malformed", Assert.Single(build.Manifest.Reasons).Key);
        Assert.Contains("write them with json.dumps", build.Text(BlobLayout.RejectedFile), StringComparison.Ordinal);
    }

    [Fact]
    public void Workbook_WithACoverSheet_IsReadFromTheSheetWithTheTable()
    {
        BuiltDataset build = Build("25-xlsx-cover-sheet/input.xlsx");

        Assert.True(build.Manifest.Rows.Accepted >= 30);
        Assert.Contains(
            build.Manifest.Notes,
            n => n.Contains("the sheet 'Data' was read, and not", StringComparison.Ordinal)
        );
    }

    [Theory]
    [InlineData("""{"columns":["text","label"],"index":[0],"data":[ROWS]}""", """["row TEXT of the garden","LABEL"]""")]
    [InlineData("{ROWS}", "\"N\":{\"text\":\"row TEXT of the garden\",\"label\":\"LABEL\"}")]
    public void DataFrame_OtherOrients_AreRead(string table, string row)
    {
        string rows = string.Join(
            ',',
            Enumerable
                .Range(0, 12)
                .Select(i =>
                    row.Replace("N", $"{i}", StringComparison.Ordinal)
                        .Replace("TEXT", $"{i}", StringComparison.Ordinal)
                        .Replace("LABEL", $"{"ab"[i % 2]}", StringComparison.Ordinal)
                )
        );

        Assert.Equal("a 6, b 6", Labels(BuildText("a.json", table.Replace("ROWS", rows, StringComparison.Ordinal))));
    }

    private static string Cell(string cell, int i) => cell.Replace("{0}", $"{"ab"[i % 2]}", StringComparison.Ordinal);

    private static string Twelve(Func<int, string> label) =>
        string.Concat(Enumerable.Range(0, 12).Select(i => $"row number {i} about the garden,{label(i)}\n"));
}
