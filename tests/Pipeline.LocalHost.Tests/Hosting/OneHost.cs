namespace Pipeline.LocalHost.Tests.Hosting;

/// <summary>Tests that have a host in common run one after the other on it.</summary>
[CollectionDefinition(Name)]
public sealed class OneHost : ICollectionFixture<HostFixture>
{
    public const string Name = "one host";
}
