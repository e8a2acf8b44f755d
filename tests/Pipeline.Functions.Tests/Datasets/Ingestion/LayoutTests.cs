using System.Text;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Datasets.Configuration;
using Pipeline.Datasets.Ingestion;
using Pipeline.Datasets.Ingestion.Layouts;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Functions.Tests.Datasets.Ingestion;

/// <summary>Known forms are recognised without being named and mean the same in whatever format they arrive.</summary>
public sealed class LayoutTests
{
    private static (RowLayout Layout, List<RawRow> Rows) Read(string name, string content, string yaml = "")
    {
        using var reader = new RawReader();
        List<RawRow> rows = [.. reader.Read(new RawFile(name, Encoding.UTF8.GetBytes(content)))];
        return (LayoutRecognition.Recognize(rows, ProjectFile.Read(yaml), name).Layout, rows);
    }

    private static string Show(RowContent content) =>
        content.Reason is { } reason
            ? $"{reason.Name()}: {content.Detail}"
            : string.Join(" | ", content.Messages.Select(m => $"{m.Role.Name()}={m.Content}"));

    [Theory]
    [MemberData(nameof(KnownLayouts.Rows), MemberType = typeof(KnownLayouts))]
    public void Of_KnownForm_IsRecognisedAndRead(string json, string name, string task, string expected)
    {
        (RowLayout layout, List<RawRow> rows) = Read("a.json", json);

        Assert.Equal((name, task), (layout.Name, layout.Task.Name()));
        Assert.Equal(expected, Show(layout.Map(rows[0], layout.Task)));
    }

    [Theory]
    [InlineData(
        """{"start": 0, "end": 3, "label": "NAME"}, {"start": 15, "end": 20, "label": "home town"}""",
        "<NAME> 😀 lives in <HOME_TOWN>."
    )]
    [InlineData(
        """{"start": 0, "end": 3, "label": "A"}, {"start": 0, "end": 5, "label": "B"}""",
        "<B> lives in Paris."
    )]
    public void Map_SpansForDeidentification_MaskTheWidest(string spans, string expected)
    {
        (RowLayout layout, List<RawRow> rows) = Read(
            "a.json",
            $$"""[{"text": "Ada 😀 lives in Paris.", "spans": [{{spans}}]}]""",
            "task: deidentification\n"
        );

        Assert.Equal(expected, layout.Map(rows[0], TaskKind.Deidentification).Messages[^1].Content);
    }

    [Theory]
    [InlineData("""{"start": 2, "end": 90, "label": "X"}""", "lies outside of the text")]
    [InlineData(
        """{"start": 0, "end": 3, "label": "X", "text": "Bob"}""",
        "is 'Ada' in the text and 'Bob' in the annotation"
    )]
    public void Map_SpanThatDoesNotFit_IsRefusedWithTheReason(string span, string reason)
    {
        (RowLayout layout, List<RawRow> rows) = Read("a.json", $$"""[{"text": "Ada left", "spans": [{{span}}]}]""");

        Assert.Contains(reason, layout.Map(rows[0], layout.Task).Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""[{"role": "assistant", "content": "Hi"}]""", "begins with an answer")]
    [InlineData("""[{"role": "user", "content": "Hi"}]""", "does not end with an answer")]
    [InlineData("""[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": " "}]""", "is empty")]
    [InlineData(
        """[{"role": "user", "content": [{"type": "image_url"}]}, {"role": "assistant", "content": "A cat"}]""",
        "images and sounds are not learned"
    )]
    [InlineData(
        """[{"role": "critic", "content": "Hi"}, {"role": "assistant", "content": "A"}]""",
        "has the role 'critic'"
    )]
    public void Map_DialogueThatCannotBeLearned_IsRefusedWithTheReason(string messages, string reason)
    {
        (RowLayout layout, List<RawRow> rows) = Read(
            "a.jsonl",
            """{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}"""
                + "\n"
                + """{"messages": [{"role": "user", "content": "Yo"}, {"role": "assistant", "content": "Hello"}]}"""
                + "\n"
                + $$"""{"messages": {{messages}}}"""
                + "\n"
        );

        Assert.Contains(reason, layout.Map(rows[2], layout.Task).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_FormThatDoesNotGoWithTheTask_SaysWhich()
    {
        DatasetException fault = Assert.Throws<DatasetException>(() =>
            Read(
                "a.json",
                """[{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}]""",
                "task: classification\n"
            )
        );

        Assert.Contains(
            "holds messages, which is learned as chat or instruction",
            fault.Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("it\\u2019s \\ud83d\\ude00 &amp; more", "it’s 😀 & more")]
    [InlineData("half \\ud83d alone", "half \\ud83d alone")]
    [InlineData("C:\\users", "C:\\users")]
    public void Clean_LiteralEscapes_AreRead(string raw, string expected) =>
        Assert.Equal(expected, Pipeline.Datasets.Validation.TextCleaning.Clean(raw));

    private static string Rows(Func<int, string> row, int count = 30) =>
        string.Concat(Enumerable.Range(0, count).Select(i => row(i) + "\n"));

    [Theory]
    [InlineData("columns: { label: category }\n")]
    [InlineData("labels: [spam, ham]\ncolumns: { label: category }\n")]
    public void Of_ColumnsOrLabelsOfTheProject_TakePrecedenceOverRecognition(string yaml)
    {
        string rows = Rows(i =>
            $$"""{"instruction": "Ask {{i}}", "response": "Say {{i}}","""
            + $$""" "category": "{{(i % 2 == 0 ? "spam" : "ham")}}"}"""
        );

        Assert.Equal(
            ("text and label", "category"),
            (Read("a.jsonl", rows, yaml).Layout.Name, Read("a.jsonl", rows, yaml).Layout.Columns.Label)
        );
    }

    [Fact]
    public void Of_TextsWithALabelBesideThem_AreClassifiedWhateverTheyHold()
    {
        Assert.Equal(
            "text and label",
            Read(
                "a.jsonl",
                Rows(i =>
                    $$"""{"text": "<s>[INST] Ask {{i}} [/INST] Say {{i}} </s>","""
                    + $$""" "label": "{{(i % 2 == 0 ? "safe" : "unsafe")}}"}"""
                )
            ).Layout.Name
        );
        Assert.Equal(
            "text and label",
            Read(
                "a.jsonl",
                Rows(i =>
                    $$"""{"text": "Ada wrote {{i}}", "label": "{{(i % 2 == 0 ? "spam" : "ham")}}","""
                    + $$""" "entities": [[0, 3, "NAME"]]}"""
                )
            ).Layout.Name
        );
        Assert.Equal(
            "text and label",
            Read(
                "a.jsonl",
                Rows(i => $$"""{"question": "Ask {{i}}", "answer": "Say {{i}}", "label": {{i % 2}}}""")
            ).Layout.Name
        );
    }

    [Fact]
    public void Of_OneBrokenSpanList_IsOneMalformedRow()
    {
        (RowLayout layout, List<RawRow> rows) = Read(
            "a.jsonl",
            Rows(i => $$"""{"text": "Ada wrote {{i}}", "label": [[0, {{(i == 7 ? "\"x\"" : "3")}}, "NAME"]]}""")
        );

        Assert.Equal("span annotations", layout.Name);
        Assert.Equal(
            [RejectionReason.Malformed],
            rows.Select(r => layout.Map(r, layout.Task).Reason).OfType<RejectionReason>()
        );
    }

    [Fact]
    public void Map_SpansThatReachOverOneAnother_LeaveNothingOfEither()
    {
        (RowLayout layout, List<RawRow> rows) = Read(
            "a.json",
            """[{"text": "x John Smith Junior y","""
                + """ "spans": [{"start": 2, "end": 12, "label": "PERSON"}, """
                + """{"start": 7, "end": 19, "label": "SURNAME"}]}]""",
            "task: deidentification\n"
        );

        Assert.Equal("x <PERSON> y", layout.Map(rows[0], TaskKind.Deidentification).Messages[^1].Content);
    }
}
