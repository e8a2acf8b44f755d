using Pipeline.LocalHost.Samples;

namespace Pipeline.LocalHost.Tests.Samples;

public sealed class TweetSampleTests
{
    [Fact]
    public void Csv_Generator_GivesTheCommittedSample() =>
        Assert.Equal(
            File.ReadAllBytes(RepositoryFiles.At("functions", "Pipeline.LocalHost", "samples", "tweets", "tweets.csv")),
            TweetSample.Csv()
        );
}
