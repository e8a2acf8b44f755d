using Pipeline.Contracts;

namespace Pipeline.Functions.Tests.Contracts;

/// <summary>A child process is given what it needs of its parent's environment.</summary>
public sealed class ChildEnvironmentTests
{
    [Fact]
    public void Child_IsGivenWhatItNeeds_AndNoKeys()
    {
        var environment = new Dictionary<string, string?>
        {
            ["PATH"] = "/usr/bin",
            ["HOME"] = "/home/a",
            ["AZURE_OPENAI_API_KEY"] = "secret",
            ["AzureWebJobsStorage"] = "secret",
            ["GITHUB_TOKEN"] = "secret",
            ["PIPELINE_MODELS"] = "models",
        };

        ChildEnvironment.Apply(environment, new Dictionary<string, string> { ["OWN"] = "1" }, "PIPELINE_");

        Assert.Equal(["HOME", "OWN", "PATH", "PIPELINE_MODELS"], environment.Keys.Order(StringComparer.Ordinal));
    }
}
