using System.Text.Json;
using Microsoft.Azure.Functions.Worker;

namespace Pipeline.LocalHost.Tests.FunctionsModel;

/// <summary>Every public member of the embedded API is one of the official packages'.</summary>
public sealed class OfficialApiTests
{
    private static readonly JsonElement Official = JsonDocument.Parse(File.ReadAllBytes(RepositoryFiles.At("tests", "Golden", "official-api.json"))).RootElement;

    private static Type[] Modelled { get; } = typeof(FunctionAttribute).Assembly.GetExportedTypes();

    [Fact]
    public void Types_EveryPublicOne_IsOfficialAndOfTheSameKindAndBase()
    {
        Assert.NotEmpty(Modelled);
        foreach (Type type in Modelled)
        {
            Assert.True(Official.TryGetProperty(type.FullName!, out JsonElement official), $"{type.FullName} is no official type");
            Assert.Equal(official.GetProperty("kind").GetString(), ApiSignature.KindOf(type));
            string? officialBase = official.GetProperty("base").GetString();
            Type? own = type.BaseType is null || type.BaseType == typeof(object) || type.IsValueType ? null : type.BaseType;
            Assert.Equal(officialBase, own is null ? null : own.Namespace == "System" ? own.Name : own.FullName);
        }
    }

    [Fact]
    public void Members_EveryPublicOne_HasTheOfficialSignature()
    {
        var strange = new List<string>();
        foreach (Type type in Modelled)
        {
            HashSet<string> official = [.. Official.GetProperty(type.FullName!).GetProperty("members").EnumerateArray().Select(m => m.GetString()!)];
            strange.AddRange(ApiSignature.MembersOf(type).Where(m => !official.Contains(m)).Select(m => $"{type.FullName}: {m}"));
        }

        Assert.True(strange.Count == 0, string.Join(Environment.NewLine, strange));
    }
}
