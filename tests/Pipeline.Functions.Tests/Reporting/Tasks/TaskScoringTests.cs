using Pipeline.Contracts;
using Pipeline.Reporting.Metrics;
using Pipeline.Reporting.Statistics;
using Pipeline.Reporting.Tasks;

namespace Pipeline.Functions.Tests.Reporting.Tasks;

public sealed class TaskScoringTests
{
    [Theory]
    [InlineData("the cat sat on the mat", "the cat sat on the mat", 1.0)]
    [InlineData("The cat, sat!", "the CAT sat", 1.0)]
    [InlineData("police killed the gunman", "police kill the gunman", 0.75)] // Lin 2004, section 3.1
    [InlineData("police killed the gunman", "the gunman kill police", 0.5)] // the same
    [InlineData("a b c", "x y z", 0.0)]
    [InlineData("", "", 1.0)]
    [InlineData("a", "", 0.0)]
    public void RougeL_KnownPairs_ScoreAsInThePaper(string gold, string answer, double expected) =>
        Assert.Equal(expected, RougeL.F1(gold, answer), 1e-9);

    [Fact]
    public void Extraction_FieldsSpansAndValidity_AreCounted()
    {
        ScoredRow[] rows =
        [
            // name right; tags wrong as a field, b right as a span
            new("q", """{"name": "Ada", "tags": ["a", "b"]}""", """{"tags": ["b"], "name": " Ada "}"""),
            new("q", """{"name": "Bo"}""", """{"name": "Bo", "age": 3}"""), // one too many
            new("q", """{"name": "Cy"}""", "I do not know"), // no JSON
        ];
        var scoring = new ExtractionScoring();

        IReadOnlyDictionary<string, double> metrics = scoring.Metrics(rows);

        Assert.Equal(2 / 3.0, metrics["jsonValidity"], 1e-9);
        Assert.Equal(2 / 4.0, metrics["fieldPrecision"], 1e-9); // Ada, Bo of Ada, tags, Bo, age
        Assert.Equal(2 / 4.0, metrics["fieldRecall"], 1e-9); // Ada, Bo of Ada, tags, Bo, Cy
        Assert.Equal(3 / 4.0, metrics["spanPrecision"], 1e-9); // Ada, b, Bo of Ada, b, Bo, 3
        Assert.Equal(3 / 5.0, metrics["spanRecall"], 1e-9); // Ada, b, Bo of Ada, a, b, Bo, Cy
        Assert.Equal([0.5, 2 / 3.0, 0.0], rows.Select(r => scoring.Score(r)));
        Assert.Equal(new LabelScore(1, 0.5, 2 / 3.0, 2), scoring.ByKind(rows)["tags"]);
    }

    [Theory]
    [InlineData("[1, 2]")]
    [InlineData("{\"a\": 1, \"a\": 2}")]
    [InlineData("{\"a\": ")]
    [InlineData("")]
    [InlineData("{\"name\":\"\\ud83d\"}")] // half an emoji
    public void Extraction_WhatIsNoJsonObject_ScoresNothing(string answer)
    {
        Assert.Equal(0, new ExtractionScoring().Score(new ScoredRow("q", "{\"a\": 1}", answer)));
        // not even where there was nothing to find
        Assert.Equal(0, new ExtractionScoring().Score(new ScoredRow("q", "{}", answer)));
        Assert.Equal(0, new ExtractionScoring().Metrics([new ScoredRow("q", "{}", answer)])["jsonValidity"]);
    }

    [Fact]
    public void Deidentification_AnswerThatIsNotTheText_ScoresNothingEvenWithoutEntities()
    {
        var scoring = new DeidentificationScoring();

        Assert.Equal(1, scoring.Score(new ScoredRow("No names here.", "No names here.", "No names here.")));
        Assert.Equal(0, scoring.Score(new ScoredRow("No names here.", "No names here.", "banana")));
    }

    [Theory]
    [InlineData("Will said he will come", "<PERSON> said he will come", "<PERSON> said he will come", 0.0)]
    [InlineData("Will said he will come", "<PERSON> said he will come", "Will said he will come", 1.0)]
    [InlineData("age 5, takes 15 mg", "age <AGE_1>, takes 15 mg", "age <AGE_1>, takes 15 mg", 0.0)]
    public void Deidentification_WordsThatAreAlsoOthers_LeakOnlyWhereTheyStandTooOften(
        string question,
        string gold,
        string answer,
        double leaks
    ) =>
        Assert.Equal(leaks, new DeidentificationScoring().Metrics([new ScoredRow(question, gold, answer)])["leakRate"]);

    [Theory]
    [InlineData(
        "My name is Ada Lovelace, call 555-1234.",
        "My name is <PERSON>, call <PHONE>.",
        "PERSON=Ada Lovelace;PHONE=555-1234"
    )]
    [InlineData("Ada lives here", "[PERSON] lives here", "PERSON=Ada")]
    [InlineData("write to ada@x.org", "write to {{EMAIL_ADDRESS}}", "EMAIL_ADDRESS=ada@x.org")]
    [InlineData("Ada Bo left", "<PERSON> <PERSON> left", "PERSON=Ada;PERSON=Bo")]
    [InlineData("nothing here", "nothing here", "")]
    public void Entities_MaskedText_AreWhatTheMasksStandFor(string question, string masked, string expected) =>
        Assert.Equal(
            expected,
            string.Join(';', DeidentificationScoring.Entities(question, masked)!.Select(e => $"{e.Type}={e.Words}"))
        );

    [Theory]
    [InlineData("My name is Ada.", "My name was <PERSON>.")]
    [InlineData("My name is Ada.", "Something else")]
    public void Entities_TextThatIsNotTheQuestions_IsNoMaskedText(string question, string masked) =>
        Assert.Null(DeidentificationScoring.Entities(question, masked));

    [Fact]
    public void Deidentification_PrecisionRecallAndLeaksByType_AreCounted()
    {
        ScoredRow[] rows =
        [
            new("Ada called 555.", "<PERSON> called <PHONE>.", "<PERSON> called 555."), // the number leaks
            new("Bo is in Rome.", "<PERSON> is in <CITY>.", "<PERSON> is in <PERSON>."), // Rome under another type
            new("Cy left.", "<PERSON> left.", "I saw Cy leave."), // not the text, and the name leaks
        ];
        var scoring = new DeidentificationScoring();

        IReadOnlyDictionary<string, double> metrics = scoring.Metrics(rows);

        Assert.Equal(2 / 3.0, metrics["entityPrecision"], 1e-9);
        Assert.Equal(2 / 5.0, metrics["entityRecall"], 1e-9);
        Assert.Equal(2 / 5.0, metrics["leakRate"], 1e-9);
        Assert.Equal(1.0, metrics["leakRate.PHONE"], 1e-9);
        Assert.Equal(1 / 3.0, metrics["leakRate.PERSON"], 1e-9);
        Assert.Equal(0.0, metrics["leakRate.CITY"], 1e-9);
        Assert.Equal(2 / 3.0, metrics["faithfulText"], 1e-9);
        Assert.Equal(3, scoring.ByKind(rows)["PERSON"].Support);
    }

    [Fact]
    public void Compare_Scores_GiveIntervalAndSignTest()
    {
        double[] first = [.. Enumerable.Range(0, 40).Select(i => 0.2)];
        double[] second =
        [
            .. Enumerable
                .Range(0, 40)
                .Select(i =>
                    i < 30 ? 0.6
                    : i < 35 ? 0.1
                    : 0.2
                ),
        ];

        PairedDifference difference = PairedComparison.Compare(first, (IReadOnlyList<double>)second, 500);

        Assert.Equal((30, 5), (difference.Won, difference.Lost));
        Assert.Equal(((30 * 0.4) - (5 * 0.1)) / 40, difference.Mean, 1e-9);
        Assert.True(difference.Interval.Low > 0.2 && difference.McNemarP < 1e-4);
    }
}
