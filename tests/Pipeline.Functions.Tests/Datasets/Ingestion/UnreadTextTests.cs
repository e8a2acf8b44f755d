using System.Text;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Functions.Tests.Datasets.Ingestion;

/// <summary>A column of texts that a guess would leave unread stops the guess, with the lines that answer it.</summary>
public sealed class UnreadTextTests
{
    private static BuiltDataset Build(RawFile file, string yaml = "") => BuiltDataset.FromFiles([file], yaml);

    private static RawFile Csv(string header, Func<int, string> row) =>
        new(
            "a.csv",
            Encoding.UTF8.GetBytes(header + "\n" + string.Concat(Enumerable.Range(0, 24).Select(i => row(i) + "\n")))
        );

    /// <summary>The lines to paste.</summary>
    private static string Lines(DatasetException question) => question.Message.Split("\n\n", 2)[1];

    private static RawFile Case09 =>
        RawFile.FromPath(RepositoryFiles.At("tests", "Golden", "cases", "09-second-text-column-dropped", "input.csv"));

    [Fact]
    public void Pair_OfTheCase_AsksAndItsLinesAnswer()
    {
        DatasetException question = Assert.Throws<DatasetException>(() => Build(Case09));

        Assert.Equal(DatasetFaultCode.NeedsSettings, question.Code);
        BuiltDataset both = Build(Case09, Lines(question));
        Assert.All(
            both.Rows(BlobLayout.TrainFile),
            r =>
            {
                string prompt = r.Messages.Single(m => m.Role == MessageRole.User).Content;
                Assert.StartsWith("premise: ", prompt, StringComparison.Ordinal);
                Assert.Contains("\n\nhypothesis: ", prompt, StringComparison.Ordinal);
            }
        );
        BuiltDataset one = Build(Case09, "columns: { text: premise }");
        Assert.Contains("Not read of 'input.csv': 'hypothesis'.", one.Manifest.Notes);
    }

    [Theory]
    [InlineData(
        "sentence1,sentence2,label",
        "the dog number {0} runs over the road,an animal number {0} moves outside,{1}"
    )]
    [InlineData(
        "Title,Description,Class",
        "Stocks {0} fall on a bad day,Shares of company {0} lost much of their worth,{1}"
    )]
    [InlineData("text,aspect,sentiment", "the food of place {0} was good but slow,food{1},{1}")]
    [InlineData(
        "review,reply,label",
        "I bought number {0} and it broke at once,we are sorry to hear about number {0},{1}"
    )]
    public void Table_WithASecondText_Asks(string header, string row)
    {
        string Row(int i) =>
            row.Replace("{0}", $"{i}", StringComparison.Ordinal).Replace("{1}", $"{i % 2}", StringComparison.Ordinal);

        DatasetException question = Assert.Throws<DatasetException>(() => Build(Csv(header, Row)));

        Assert.Equal(DatasetFaultCode.NeedsSettings, question.Code);
        Assert.Null(Build(Csv(header, Row), Lines(question)).Fault);
    }

    /// <summary>
    /// Names, dates, addresses of the web, numbers and categories are no texts that a question consists of.
    /// </summary>
    [Theory]
    [InlineData("text,label,author", "{1}", "Jane Doe {0}")]
    [InlineData("text,label,created", "{1}", "2015-02-24 11:35:{0} -0800")]
    [InlineData("text,label,link", "{1}", "https://example.org/some/path/{0}")]
    [InlineData("text,label,reason", "{1}", "the customer was late for it")]
    public void Table_WithMetadata_IsReadAndSaysWhatIsNot(string header, string label, string other)
    {
        string At(string text, int i) =>
            text.Replace("{0}", $"{i}", StringComparison.Ordinal).Replace("{1}", $"{i % 2}", StringComparison.Ordinal);

        BuiltDataset build = Build(Csv(header, i => $"the row number {i} about gardens,{At(label, i)},{At(other, i)}"));

        Assert.Null(build.Fault);
        Assert.Contains(build.Manifest.Notes, n => n.StartsWith("Not read of 'a.csv'", StringComparison.Ordinal));
    }

    [Fact]
    public void Dialogue_WithATextBesideIt_AsksUnlessItRepeatsTheDialogue()
    {
        string Row(int i, string notes) =>
            $$"""{"messages": [{"role": "user", "content": "what is the number {{i}} for"}, {"role": "assistant", "content": "for counting {{i}}"}], "notes": "{{notes}}"}"""
            + "\n";
        RawFile Rows(Func<int, string> notes) =>
            new(
                "a.jsonl",
                Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 24).Select(i => Row(i, notes(i)))))
            );

        Assert.Null(Build(Rows(i => $"what is the number {i} for")).Fault);
        DatasetException question = Assert.Throws<DatasetException>(() =>
            Build(Rows(i => $"the customer of case {i} was in a hurry"))
        );
        Assert.Contains("  ignore: [notes]", question.Message, StringComparison.Ordinal);
        Assert.Null(Build(Rows(i => $"the customer of case {i} was in a hurry"), "columns: { ignore: [notes] }").Fault);
    }

    /// <summary>Stanford's alpaca has all of a row in a fourth column.</summary>
    [Fact]
    public void Alpaca_WithTheWholeRowAsText_IsRead()
    {
        string Row(int i) =>
            $$"""{"instruction": "count to {{i}} now", "input": "from {{i}} on", "output": "so be it, {{i}}", "text": "Below is a task.\n\n### Instruction:\ncount to {{i}} now\n\n### Input:\nfrom {{i}} on\n\n### Response:\nso be it, {{i}}"}"""
            + "\n";

        BuiltDataset build = Build(
            new RawFile("a.jsonl", Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 24).Select(Row))))
        );

        Assert.Equal(("alpaca", null), (build.Manifest.Layout, build.Fault));
    }

    [Fact]
    public void Question_WithContext_HoldsBoth()
    {
        BuiltDataset build = Build(
            Csv(
                "question,context,answer",
                i => $"what did person {i} buy,in the year {i} the person bought a boat,a boat of the year {i}"
            )
        );

        Assert.All(
            build.Rows(BlobLayout.TrainFile),
            r => Assert.Contains("\n\nin the year", r.Messages[0].Content, StringComparison.Ordinal)
        );
    }

    [Fact]
    public void AlsoText_ThatIsMissing_IsNamed() =>
        Assert.Contains(
            "columns.alsoText in project.yaml names 'nothing'",
            Assert
                .Throws<DatasetException>(() => Build(Case09, "columns: { text: premise, alsoText: [nothing] }"))
                .Message,
            StringComparison.Ordinal
        );
}
