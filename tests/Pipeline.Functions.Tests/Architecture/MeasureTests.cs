using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Pipeline.Functions.Tests.Architecture;

/// <summary>
/// How long, wide and entangled the sources may be. What is over a limit is split by subject, not squeezed.
/// </summary>
public sealed class MeasureTests
{
    private const int WidestLine = 120;
    private const double WideLines = 0.005;
    private const int LongestFile = 400;
    private const int LongestMethod = 60;
    private const int MaxParameters = 6;

    /// <summary>
    /// Services come into these by their constructor, or everything is put together in them.
    /// </summary>
    private static readonly string[] CompositionRoots = ["Program.cs", "PipelineServices.cs", "EmbeddedHost.cs"];

    [Fact]
    public void Lines_OverTheColumns_AreFewerThanOneInTwoHundred()
    {
        List<string> wide = [];
        int lines = 0;
        foreach (string source in SourceTree.Sources)
        {
            string[] text = File.ReadAllLines(source);
            lines += text.Length;
            wide.AddRange(
                text.Select((line, i) => (line.Length, Place: $"{SourceTree.Show(source)}:{i + 1}"))
                    .Where(l => l.Length > WidestLine)
                    .Select(l => $"{l.Place} ({l.Length})")
            );
        }

        Assert.True(
            wide.Count < WideLines * lines,
            $"{wide.Count} of {lines} lines are wider than {WidestLine}:\n{string.Join('\n', wide)}"
        );
    }

    [Fact]
    public void Files_EverySource_HasAtMost400Lines() =>
        Nothing(SourceTree.Sources.Where(s => File.ReadLines(s).Count() > LongestFile).Select(SourceTree.Show));

    [Fact]
    public void Methods_EveryOne_HasAtMost60Lines() =>
        Nothing(
            SourceTree
                .Sources.SelectMany(s => SourceTree.Parse(s).DescendantNodes())
                .Where(n =>
                    n is BaseMethodDeclarationSyntax or LocalFunctionStatementSyntax or AccessorDeclarationSyntax
                )
                .Where(n => Lines(n) > LongestMethod)
                .Select(n => $"{SourceTree.Show(n)} {Name(n)}: {Lines(n)} lines")
        );

    /// <summary>Native imports and overrides are left out: their parameters are the library's.</summary>
    [Fact]
    public void Parameters_EveryMethod_HasAtMostSix() =>
        Nothing(
            SourceTree
                .Sources.Where(s => !CompositionRoots.Contains(Path.GetFileName(s), StringComparer.Ordinal))
                .SelectMany(s => SourceTree.Parse(s).DescendantNodes())
                .OfType<ParameterListSyntax>()
                .Where(p => p.Parent is not RecordDeclarationSyntax && !IsNativeImport(p.Parent))
                .Where(p =>
                    p.Parent is not MethodDeclarationSyntax { Modifiers: var m } || !m.Any(SyntaxKind.OverrideKeyword)
                )
                .Where(p => p.Parameters.Count > MaxParameters)
                .Select(p => $"{SourceTree.Show(p)} {Name(p.Parent!)}: {p.Parameters.Count} parameters")
        );

    /// <summary>
    /// Two namespaces of one project that use each other are one that was cut in the wrong place. A namespace is used
    /// by whoever names one of its types and can see it: by a using, or from a namespace inside it.
    /// </summary>
    [Fact]
    public void Namespaces_OfAProject_DoNotUseEachOther()
    {
        List<string> pairs = [];
        foreach (string project in SourceTree.Projects.Where(p => !SourceTree.IsTest(p)))
        {
            HashSet<(string From, string To)> uses = NamespaceUses.In(
                Path.GetDirectoryName(project)!,
                CompositionRoots
            );
            pairs.AddRange(
                uses.Where(u => string.CompareOrdinal(u.From, u.To) < 0 && uses.Contains((u.To, u.From)))
                    .Select(u => $"{u.From} and {u.To}")
            );
        }

        Nothing(pairs.Order(StringComparer.Ordinal));
    }

    /// <summary>Nothing is over the limit; what is, is listed whole.</summary>
    private static void Nothing(IEnumerable<string> over)
    {
        List<string> found = [.. over];
        Assert.True(found.Count == 0, string.Join('\n', found));
    }

    private static bool IsNativeImport(SyntaxNode? node) =>
        node is MethodDeclarationSyntax method
        && (
            method.Modifiers.Any(SyntaxKind.ExternKeyword)
            || method
                .AttributeLists.SelectMany(l => l.Attributes)
                .Any(a => a.Name.ToString() is "LibraryImport" or "DllImport")
        );

    private static int Lines(SyntaxNode node)
    {
        FileLinePositionSpan span = node.SyntaxTree.GetLineSpan(node.Span);
        return span.EndLinePosition.Line - span.StartLinePosition.Line + 1;
    }

    private static string Name(SyntaxNode node) =>
        node switch
        {
            MethodDeclarationSyntax method => method.Identifier.Text,
            LocalFunctionStatementSyntax local => local.Identifier.Text,
            ConstructorDeclarationSyntax constructor => constructor.Identifier.Text,
            TypeDeclarationSyntax type => type.Identifier.Text,
            _ => node.Kind().ToString(),
        };
}
