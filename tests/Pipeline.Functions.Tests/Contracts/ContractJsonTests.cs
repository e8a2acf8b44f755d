using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Pipeline.Contracts;

namespace Pipeline.Functions.Tests.Contracts;

public sealed class ContractJsonTests
{
    [Fact]
    public void Read_UnknownKeys_AreIgnoredAndNamed()
    {
        var warnings = new List<string>();

        TrainingJob job = ContractJson.Read<TrainingJob>(
            """{"runId":"r","attempt":"1","project":"p","datasetId":"d","base":"b","version":"""
                + """3,"later":1,"training":{"r":8,"newKnob":2},"evaluation":{}}""",
            warnings.Add
        );

        Assert.Equal((3, 8), (job.Version, job.Training.R));
        Assert.Equal(["$.later", "$.training.newKnob"], warnings);
    }

    [Fact]
    public void Read_MissingRequiredMember_Throws() =>
        Assert.Throws<JsonException>(() => ContractJson.Read<TrainingRequest[]>("{}"));

    /// <summary>Nulls are left out when written: a member that may be null must not be required to read.</summary>
    [Fact]
    public void Contracts_RequireNoMemberThatMayBeNull()
    {
        var nullability = new NullabilityInfoContext();
        string[] required =
        [
            .. typeof(ContractJson)
                .Assembly.GetTypes()
                .SelectMany(t => t.GetProperties())
                .Where(p => p.GetCustomAttribute<RequiredMemberAttribute>() is not null)
                .Where(p => nullability.Create(p).WriteState == NullabilityState.Nullable)
                .Select(p => $"{p.DeclaringType!.Name}.{p.Name}"),
        ];

        Assert.Empty(required);
    }

    [Fact]
    public void Write_ProjectSettings_RoundTrips()
    {
        var settings = new ProjectSettings
        {
            Labels = [new() { Name = "a", Aliases = ["b"] }],
            Split = new() { TestFile = "t.tsv" },
        };

        string json = ContractJson.Write(settings);

        Assert.Equal(json, ContractJson.Write(ContractJson.Read<ProjectSettings>(json)));
    }

    [Theory]
    [InlineData("demo", true)]
    [InlineData("ab", false)]
    [InlineData("Demo", false)]
    [InlineData("a/../b", false)]
    [InlineData("abc\n", false)]
    public void IsProjectName_Names_FollowTheRule(string name, bool valid) =>
        Assert.Equal(valid, BlobLayout.IsProjectName(name));

    [Fact]
    public void ShortOf_PartsThatWouldRunTogether_Differ() =>
        Assert.NotEqual(ContentHash.ShortOf("ab", "c"), ContentHash.ShortOf("a", "bc"));
}
