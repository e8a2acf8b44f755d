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
        ["Pipeline.Worker"] =
        [
            "Pipeline.Contracts",
            "Pipeline.Evaluation",
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

    private static List<string> Projects { get; } =
    [
        .. new[] { "functions", "gpu-worker", "tests" }
            .SelectMany(top =>
                Directory.EnumerateFiles(RepositoryFiles.At(top), "*.csproj", SearchOption.AllDirectories)
            )
            .Where(p => !p.Split(Path.DirectorySeparatorChar).Contains("obj")),
    ]; // the Functions Sdk makes a project of its own there

    [Fact]
    public void References_EveryProject_PointOneWay()
    {
        foreach (string project in Projects.Where(p => !IsTest(p)))
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
    public void TestProjects_Number_IsAtMostFive() => Assert.InRange(Projects.Count(IsTest), 1, 5);

    [Fact]
    public void AzureSdks_OnlyThoseWhoMay_UseThem()
    {
        HashSet<string> Users(params string[] packages) =>
            [
                .. Projects
                    .Where(p =>
                        !IsTest(p)
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
            foreach (string source in Sources(folder))
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
            .SelectMany(p => Sources(Path.GetDirectoryName(p)!))
            .Select(s => Path.GetRelativePath(RepositoryFiles.Root, s))
            .Where(s =>
                s.Split(Path.DirectorySeparatorChar, '.').Any(part => Drawers.Contains(part, StringComparer.Ordinal))
            );

        Assert.Empty(drawers);
    }

    [Fact]
    public void Files_EverySource_StaysUnder800Lines() =>
        Assert.Empty(
            Projects
                .SelectMany(p => Sources(Path.GetDirectoryName(p)!))
                .Where(s => File.ReadLines(s).Count() > 800)
                .Select(s => Path.GetRelativePath(RepositoryFiles.Root, s))
        );

    private static bool IsTest(string project) => project.EndsWith(".Tests.csproj", StringComparison.Ordinal);

    private static IEnumerable<string> Sources(string folder) =>
        Directory
            .EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
            .Where(s =>
                !Path.GetRelativePath(folder, s).Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj")
            );

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex NamespaceLine();
}
