using System.Diagnostics;
using System.Text.Json;

namespace Pipeline.Functions.Tests.Architecture;

/// <summary>The one switch between the embedded and the official packages, as MSBuild evaluates it.</summary>
public sealed class FunctionsHostTests
{
    private static readonly string[] OfficialPackages =
        ["Microsoft.Azure.Functions.Worker", "Microsoft.Azure.Functions.Worker.Extensions.DurableTask", "Microsoft.DurableTask.Worker", "Microsoft.DurableTask.Client"];

    [Fact]
    public void FunctionsHost_Default_IsEmbeddedAndNamesNoOfficialPackage()
    {
        (List<string> packages, List<string> projects, List<string> sources) = Evaluate("");

        Assert.DoesNotContain(packages, p => p.StartsWith("Microsoft.Azure.Functions", StringComparison.Ordinal) || p.StartsWith("Microsoft.DurableTask", StringComparison.Ordinal));
        Assert.Contains("Pipeline.FunctionsModel", projects);
        Assert.DoesNotContain("Program.cs", sources);
    }

    [Fact]
    public void FunctionsHost_Azure_ReferencesTheOfficialPackagesInstead()
    {
        (List<string> packages, List<string> projects, List<string> sources) = Evaluate("-p:FunctionsHost=Azure");

        Assert.Subset(packages.ToHashSet(), OfficialPackages.ToHashSet());
        Assert.DoesNotContain("Pipeline.FunctionsModel", projects);
        Assert.Contains("Program.cs", sources);
    }

    [Fact]
    public void ConformanceSuite_Official_RunsOnMicrosoftsHostByOneReference()
    {
        string project = RepositoryFiles.At("tests", "Pipeline.Conformance.Tests", "Pipeline.Conformance.Tests.csproj");

        (List<string> embeddedPackages, List<string> embeddedProjects, List<string> sources) = Evaluate("", project);
        (List<string> officialPackages, List<string> officialProjects, List<string> officialSources) = Evaluate("-p:DurableHost=Official", project);

        Assert.Equal(["Pipeline.EmbeddedTestHost"], embeddedProjects);
        Assert.Empty(officialProjects);
        Assert.Equal(["Microsoft.DurableTask.InProcessTestHost"], officialPackages.Except(embeddedPackages));
        Assert.Equal(sources, officialSources);
    }

    [Fact]
    public void ConformanceSuite_Sources_NameNoTypeOfOurs()
    {
        foreach (string file in Directory.EnumerateFiles(RepositoryFiles.At("tests", "Pipeline.Conformance.Tests"), "*.cs"))
        {
            string text = File.ReadAllText(file).Replace("Pipeline.Conformance.Tests", "", StringComparison.Ordinal);
            Assert.DoesNotContain("Pipeline.", text, StringComparison.Ordinal);
            Assert.DoesNotContain("DurableJson", text, StringComparison.Ordinal);
        }
    }

    private static (List<string> Packages, List<string> Projects, List<string> Sources) Evaluate(string property, string? of = null)
    {
        string project = of ?? RepositoryFiles.At("functions", "Pipeline.Functions", "Pipeline.Functions.csproj");
        var info = new ProcessStartInfo("dotnet", $"msbuild \"{project}\" {property} -getItem:PackageReference -getItem:ProjectReference -getItem:Compile") { RedirectStandardOutput = true };
        using Process process = Process.Start(info)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        JsonElement items = JsonDocument.Parse(output).RootElement.GetProperty("Items");
        List<string> Of(string kind) => [.. items.GetProperty(kind).EnumerateArray().Select(i => i.GetProperty("Identity").GetString()!)];
        return (Of("PackageReference"), [.. Of("ProjectReference").Select(p => Path.GetFileNameWithoutExtension(p))], Of("Compile"));
    }
}
