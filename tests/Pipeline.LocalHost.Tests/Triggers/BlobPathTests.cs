using Pipeline.LocalHost.Triggers;

namespace Pipeline.LocalHost.Tests.Triggers;

public sealed class BlobPathTests
{
    [Fact]
    public void Match_ProjectAndName_TakeTheirParts()
    {
        var path = new BlobPath("raw/{project}/{name}");

        Assert.Equal("raw", path.Container);
        Assert.Equal(("tweets", "a.csv"), Parts(path, "tweets/a.csv"));
        Assert.Equal(("tweets", "deep/er/a (1).csv"), Parts(path, "tweets/deep/er/a (1).csv"));
        Assert.Null(path.Match("no-folder.csv"));
    }

    private static (string, string) Parts(BlobPath path, string name) =>
        path.Match(name) is { } match ? (match["project"], match["name"]) : default;
}
