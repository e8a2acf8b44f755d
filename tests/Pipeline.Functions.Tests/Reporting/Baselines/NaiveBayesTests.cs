using Pipeline.Reporting.Baselines;

namespace Pipeline.Functions.Tests.Reporting.Baselines;

public sealed class NaiveBayesTests
{
    /// <summary>Example 13.1 of Manning, Raghavan and Schütze 2008: the test document is of class China.</summary>
    [Fact]
    public void Predict_TextbookExample_IsChina()
    {
        var bayes = new NaiveBayes([
            ("Chinese Beijing Chinese", "china"),
            ("Chinese Chinese Shanghai", "china"),
            ("Chinese Macao", "china"),
            ("Tokyo Japan Chinese", "japan"),
        ]);

        Assert.Equal("china", bayes.Predict("Chinese Chinese Chinese Tokyo Japan"));
        Assert.Equal("japan", bayes.Predict("Tokyo Japan"));
    }

    [Fact]
    public void Predict_Tweets3_IsAboutTheReferenceBaseline()
    {
        (string Text, string Label)[] Read(string file) =>
            [
                .. File.ReadLines(RepositoryFiles.Shared("data", "splits", file))
                    .Skip(1)
                    .Select(l => l.Split('\t'))
                    .Select(p => (p[1], p[0])),
            ];
        var bayes = new NaiveBayes(Read("tweets3.train.tsv"));
        (string Text, string Label)[] test = Read("tweets3.test.tsv");

        // baselines.json: 0.5155
        Assert.InRange(test.Average(r => bayes.Predict(r.Text) == r.Label ? 1.0 : 0), 0.50, 0.54);
    }
}
