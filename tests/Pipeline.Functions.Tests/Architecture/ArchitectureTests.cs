using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Pipeline.Functions.Tests.Architecture;

/// <summary>The rules of the layout, read off the project files and sources.</summary>
public sealed partial class ArchitectureTests
{
    private static readonly Dictionary<string, string[]> Allowed = new(StringComparer.Ordinal)
    {
        ["Pipeline.Contracts"] = [],
        ["Pipeline.Tokenization"] = ["Pipeline.Contracts"],
        ["Pipeline.Datasets"] = ["Pipeline.Contracts", "Pipeline.Tokenization"],
        ["Pipeline.Registry"] = ["Pipeline.Contracts", "Pipeline.Reporting"],
        ["Pipeline.Reporting"] = ["Pipeline.Contracts"],
        ["Pipeline.Storage"] = ["Pipeline.Contracts"],
        ["Pipeline.Functions"] =
        [
            "Pipeline.Contracts",
            "Pipeline.Datasets",
            "Pipeline.Registry",
            "Pipeline.Reporting",
            "Pipeline.Storage",
            "Pipeline.Tokenization",
        ],
        ["Pipeline.LocalHost"] =
        [
            "Pipeline.Contracts",
            "Pipeline.Datasets",
            "Pipeline.Functions",
            "Pipeline.Storage",
            "Pipeline.Tokenization",
            "Pipeline.Worker (built only)",
        ],
        ["Pipeline.CrashingHost"] = ["Pipeline.LocalHost"],
        ["Pipeline.Model"] = ["Pipeline.Contracts"],
        ["Pipeline.Training"] = ["Pipeline.Contracts", "Pipeline.Model", "Pipeline.Tokenization"],
        ["Pipeline.Evaluation"] =
        [
            "Pipeline.Contracts",
            "Pipeline.Model",
            "Pipeline.Reporting",
            "Pipeline.Tokenization",
        ],
        ["Pipeline.Export"] = ["Pipeline.Contracts", "Pipeline.Evaluation", "Pipeline.Model", "Pipeline.Tokenization"],
        ["Pipeline.Worker"] =
        [
            "Pipeline.Contracts",
            "Pipeline.Evaluation",
            "Pipeline.Export",
            "Pipeline.Model",
            "Pipeline.Reporting",
            "Pipeline.Storage",
            "Pipeline.Tokenization",
            "Pipeline.Training",
        ],
    };

    private static readonly string[] Drawers =
    [
        "Utils",
        "Util",
        "Helpers",
        "Helper",
        "Common",
        "Shared",
        "Misc",
        "Manager",
        "Base",
        "Internal",
        "Extensions",
    ];

    private static IReadOnlyList<string> Projects => SourceTree.Projects;

    [Fact]
    public void References_EveryProject_PointOneWay()
    {
        foreach (string project in Projects.Where(p => !SourceTree.IsTest(p)))
        {
            string name = Path.GetFileNameWithoutExtension(project);
            Assert.True(
                Allowed.ContainsKey(name),
                $"{name} is not in the layout; add it here with its reasons in DECISIONS.md"
            );
            IEnumerable<string> references = XDocument
                .Load(project)
                .Descendants("ProjectReference")
                .Select(r =>
                    Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value)
                    + (r.Attribute("ReferenceOutputAssembly")?.Value == "false" ? " (built only)" : "")
                );

            Assert.Empty(references.Except(Allowed[name]).Select(r => $"{name} -> {r}"));
        }
    }

    [Fact]
    public void NativeTorch_OnlyExecutablesAndOneTestProject_CarryIt()
    {
        List<string> carriers =
        [
            .. Projects
                .Where(p => File.ReadAllText(p).Contains("TorchNative.targets", StringComparison.Ordinal))
                .Select(p => Path.GetFileNameWithoutExtension(p)),
        ];

        Assert.Equal(["Pipeline.GpuWorker.Tests", "Pipeline.Worker"], carriers.Order(StringComparer.Ordinal));
        Assert.DoesNotContain(
            Projects,
            p =>
                File.ReadAllText(p).Contains("TorchSharp-c", StringComparison.Ordinal)
                || File.ReadAllText(p).Contains("libtorch", StringComparison.Ordinal)
        );
    }

    [Fact]
    public void Torch_NoProjectOfFunctions_ReferencesIt() =>
        Assert.DoesNotContain(
            Projects,
            p =>
                p.Contains(
                    $"{Path.DirectorySeparatorChar}functions{Path.DirectorySeparatorChar}",
                    StringComparison.Ordinal
                ) && File.ReadAllText(p).Contains("TorchSharp", StringComparison.Ordinal)
        );

    [Fact]
    public void TestProjects_Number_IsAtMostFive() => Assert.InRange(Projects.Count(SourceTree.IsTest), 1, 5);

    [Fact]
    public void AzureSdks_OnlyThoseWhoMay_UseThem()
    {
        HashSet<string> Users(params string[] packages) =>
            [
                .. Projects
                    .Where(p =>
                        !SourceTree.IsTest(p)
                        && packages.Any(k => File.ReadAllText(p).Contains($"\"{k}", StringComparison.Ordinal))
                    )
                    .Select(p => Path.GetFileNameWithoutExtension(p)!),
            ];

        Assert.Subset(
            new HashSet<string> { "Pipeline.Storage", "Pipeline.LocalHost" },
            Users("Azure.Storage", "Azure.Data")
        );
        // the client is built in the app; Datasets knows an IChatClient
        Assert.Equal(["Pipeline.Functions"], Users("Azure.AI", "Microsoft.Extensions.AI.OpenAI"));
    }

    [Fact]
    public void Namespaces_EverySource_EqualItsFolder()
    {
        var wrong = new List<string>();
        foreach (string project in Projects)
        {
            string folder = Path.GetDirectoryName(project)!;
            string root = Path.GetFileNameWithoutExtension(project);
            foreach (string source in SourceTree.SourcesIn(folder))
            {
                Match match = NamespaceLine().Match(File.ReadAllText(source));
                string inside = Path.GetDirectoryName(Path.GetRelativePath(folder, source))!
                    .Replace(Path.DirectorySeparatorChar, '.');
                string expected = inside.Length == 0 ? root : $"{root}.{inside}";
                if (match.Success && match.Groups[1].Value != expected)
                {
                    wrong.Add(
                        $"{Path.GetRelativePath(RepositoryFiles.Root, source)}: {match.Groups[1].Value}, not {expected}"
                    );
                }
            }
        }

        Assert.Empty(wrong);
    }

    [Fact]
    public void Names_NoFolderOrFile_IsADrawer()
    {
        IEnumerable<string> drawers = Projects
            .SelectMany(p => SourceTree.SourcesIn(Path.GetDirectoryName(p)!))
            .Select(s => Path.GetRelativePath(RepositoryFiles.Root, s))
            .Where(s =>
                s.Split(Path.DirectorySeparatorChar, '.').Any(part => Drawers.Contains(part, StringComparer.Ordinal))
            );

        Assert.Empty(drawers);
    }

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex NamespaceLine();
}
