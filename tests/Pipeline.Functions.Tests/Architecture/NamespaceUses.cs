using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Pipeline.Functions.Tests.Architecture;

/// <summary>
/// Which namespaces of a project use which, read off the syntax: a name that is a type's, where that type can be seen.
/// </summary>
internal static class NamespaceUses
{
    /// <summary>Reads a project.</summary>
    /// <param name="folder">The project's folder.</param>
    /// <param name="roots">Files that put everything together and so may use everything.</param>
    public static HashSet<(string From, string To)> In(string folder, IReadOnlyCollection<string> roots)
    {
        List<CompilationUnitSyntax> units =
        [
            .. SourceTree.SourcesIn(folder).Where(s => !roots.Contains(Path.GetFileName(s))).Select(SourceTree.Parse),
        ];
        ILookup<string, string> homes = units
            .SelectMany(u => u.DescendantNodes().OfType<BaseTypeDeclarationSyntax>())
            .Where(t => t.Parent is BaseNamespaceDeclarationSyntax)
            .Select(t => (t.Identifier.Text, Home: Namespace(t)))
            .Concat(Extensions(units).Select(m => ("." + m.Identifier.Text, Namespace(m))))
            .ToLookup(t => t.Item1, t => t.Item2, StringComparer.Ordinal);
        HashSet<(string, string)> uses = [];
        foreach (CompilationUnitSyntax unit in units)
        {
            string own = unit.DescendantNodes().OfType<BaseNamespaceDeclarationSyntax>().FirstOrDefault() is { } at
                ? at.Name.ToString()
                : "";
            HashSet<string> seen = [.. unit.Usings.Select(u => u.Name!.ToString())];
            foreach (string name in Names(unit))
            {
                foreach (string home in homes[name])
                {
                    if (home != own && (seen.Contains(home) || own.StartsWith(home + ".", StringComparison.Ordinal)))
                    {
                        uses.Add((own, home));
                    }
                }
            }
        }

        return uses;
    }

    private static IEnumerable<MethodDeclarationSyntax> Extensions(IEnumerable<CompilationUnitSyntax> units) =>
        units
            .SelectMany(u => u.DescendantNodes().OfType<MethodDeclarationSyntax>())
            .Where(m => m.ParameterList.Parameters is [var first, ..] && first.Modifiers.Any(SyntaxKind.ThisKeyword));

    /// <summary>
    /// Names that may be a type's; with a dot before it one that may be an extension method's. Comments do not count.
    /// </summary>
    private static IEnumerable<string> Names(CompilationUnitSyntax unit) =>
        unit.DescendantNodes()
            .OfType<SimpleNameSyntax>()
            .Where(n => n.Parent is not NameColonSyntax && !n.Ancestors().OfType<UsingDirectiveSyntax>().Any())
            .Select(n =>
                n.Parent is MemberAccessExpressionSyntax access && access.Name == n
                    ? "." + n.Identifier.Text
                    : n.Identifier.Text
            )
            .Distinct(StringComparer.Ordinal);

    private static string Namespace(SyntaxNode node) =>
        node.Ancestors().OfType<BaseNamespaceDeclarationSyntax>().First().Name.ToString();
}
