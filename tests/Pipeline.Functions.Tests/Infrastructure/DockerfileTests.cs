using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Pipeline.Functions.Tests.Infrastructure;

/// <summary>gpu-worker/Dockerfile, read: no engine builds it here.</summary>
public sealed partial class DockerfileTests
{
    private static readonly string[] Lines = File.ReadAllLines(RepositoryFiles.At("gpu-worker", "Dockerfile"));

    [Fact]
    public void Dockerfile_Stages_BuildAndRunApartAndRunAsNobody()
    {
        string[] bases = [.. Lines.Where(l => l.StartsWith("FROM ", StringComparison.Ordinal))];

        Assert.Equal(2, bases.Length);
        Assert.All(bases, b => Assert.Matches(@":\S*\d", b)); // pinned
        Assert.Equal("USER 10001", Lines.Last(l => l.StartsWith("USER ", StringComparison.Ordinal)));
        Assert.Contains("STOPSIGNAL SIGTERM", Lines);
    }

    [Fact]
    public void Dockerfile_Copies_ExistAndHoldEveryProjectThatTheWorkerNeeds()
    {
        HashSet<string> copied =
        [
            .. Lines
                .Select(l => CopyLine().Match(l))
                .Where(m => m.Success)
                .SelectMany(m => m.Groups[1].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries)[..^1]),
        ];

        Assert.All(copied, path => Assert.True(Path.Exists(RepositoryFiles.At(path.Split('/'))), path));
        Assert.All(
            Needed(RepositoryFiles.At("gpu-worker", "Pipeline.Worker", "Pipeline.Worker.csproj")),
            project =>
                Assert.Contains(
                    copied,
                    c =>
                        Path.GetRelativePath(RepositoryFiles.Root, project)
                            .Replace(Path.DirectorySeparatorChar, '/')
                            .StartsWith(c + "/", StringComparison.Ordinal)
                )
        );
    }

    private static IEnumerable<string> Needed(string project) =>
        XDocument
            .Load(project)
            .Descendants("ProjectReference")
            .Select(r => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(project)!, r.Attribute("Include")!.Value)))
            .SelectMany(Needed)
            .Append(project);

    [GeneratedRegex(@"^COPY (?!--from)(.+)$")]
    private static partial Regex CopyLine();
}
