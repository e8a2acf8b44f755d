using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Pipeline.Functions.Tests.Architecture;

/// <summary>Every project and source of the repository; outputs of the build are left out.</summary>
internal static class SourceTree
{
    /// <summary>Paths of the project files.</summary>
    public static IReadOnlyList<string> Projects { get; } =
    [
        .. new[] { "functions", "gpu-worker", "tests" }
            .SelectMany(top =>
                Directory.EnumerateFiles(RepositoryFiles.At(top), "*.csproj", SearchOption.AllDirectories)
            )
            .Where(p => !p.Split(Path.DirectorySeparatorChar).Contains("obj"))
            .Order(StringComparer.Ordinal),
    ]; // the Functions Sdk makes a project of its own in obj

    /// <summary>Paths of the sources, of product and tests.</summary>
    public static IReadOnlyList<string> Sources { get; } =
    [.. Projects.SelectMany(p => SourcesIn(Path.GetDirectoryName(p)!)).Order(StringComparer.Ordinal)];

    /// <summary>Whether a project holds tests.</summary>
    public static bool IsTest(string project) => project.EndsWith(".Tests.csproj", StringComparison.Ordinal);

    /// <summary>The sources below a folder.</summary>
    public static IEnumerable<string> SourcesIn(string folder) =>
        Directory
            .EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
            .Where(s =>
                !Path.GetRelativePath(folder, s).Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj")
            );

    /// <summary>A path as it is shown.</summary>
    public static string Show(string path) => Path.GetRelativePath(RepositoryFiles.Root, path);

    /// <summary>A source's syntax.</summary>
    public static CompilationUnitSyntax Parse(string path) =>
        CSharpSyntaxTree.ParseText(File.ReadAllText(path), path: path).GetCompilationUnitRoot();

    /// <summary>Where a node stands, for a message.</summary>
    public static string Show(SyntaxNode node)
    {
        FileLinePositionSpan span = node.SyntaxTree.GetLineSpan(node.Span);
        return $"{Show(span.Path)}:{span.StartLinePosition.Line + 1}";
    }
}
