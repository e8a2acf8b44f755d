using Pipeline.Contracts;
using Pipeline.Datasets;
using static Pipeline.Functions.Tests.Datasets.Ingestion.ExportedRows;

namespace Pipeline.Functions.Tests.Datasets.Ingestion;

/// <summary>Argilla's exports of each version: what annotators have submitted is learned, and nothing else.</summary>
public sealed class ArgillaTests
{
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
}
