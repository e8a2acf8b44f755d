using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Pipeline.Functions.Tests.Architecture;

/// <summary>
/// Words that a reader would have to translate are written in no declared name, text or comment: where the field has a
/// word, it is the only one. The list is <c>Glossary.tsv</c>; what may stay is there too, with its reason.
/// </summary>
public sealed class GlossaryTests
{
    private static readonly string[][] Rows =
    [
        .. File.ReadLines(RepositoryFiles.At("tests/Pipeline.Functions.Tests/Architecture/Glossary.tsv"))
            .Where(l => l.Length > 0 && l[0] != '#')
            .Select(l => l.Split('\t')),
    ];

    [Fact]
    public void Names_EveryDeclaration_UsesTheFieldsWords()
    {
        List<string> found = [];
        foreach (string source in SourceTree.Sources)
        {
            foreach (SyntaxToken name in Declared(SourceTree.Parse(source)))
            {
                found.AddRange(Faults("name", source, name.Text).Select(f => $"{Place(name)} {name.Text}: {f}"));
            }
        }

        Assert.True(found.Count == 0, string.Join('\n', found));
    }

    [Fact]
    public void Texts_EveryMessageAndComment_UsesTheFieldsWords()
    {
        List<string> found = [];
        foreach (string source in SourceTree.Sources)
        {
            foreach ((string text, int line) in Texts(SourceTree.Parse(source)))
            {
                found.AddRange(
                    Faults("text", source, text).Select(f => $"{SourceTree.Show(source)}:{line} {Shortened(text)}: {f}")
                );
            }
        }

        Assert.True(found.Count == 0, string.Join('\n', found));
    }

    /// <summary>
    /// Rows are: name or text, a pattern, what to write. Exceptions are: except, a file, a pattern, why.
    /// </summary>
    private static IEnumerable<string> Faults(string kind, string source, string words) =>
        Rows.Where(r => r[0] == kind && Regex.IsMatch(words, r[1], RegexOptions.None, TimeSpan.FromSeconds(1)))
            .Where(r =>
                !Rows.Any(e =>
                    e[0] == "except" && e[2] == r[1] && SourceTree.Show(source).EndsWith(e[1], StringComparison.Ordinal)
                )
            )
            .Select(r => $"write {r[2]}");

    private static IEnumerable<SyntaxToken> Declared(CompilationUnitSyntax unit) =>
        unit.DescendantNodes()
            .Select(n =>
                n switch
                {
                    BaseTypeDeclarationSyntax type => type.Identifier,
                    MethodDeclarationSyntax method => method.Identifier,
                    LocalFunctionStatementSyntax local => local.Identifier,
                    PropertyDeclarationSyntax property => property.Identifier,
                    EnumMemberDeclarationSyntax member => member.Identifier,
                    VariableDeclaratorSyntax variable => variable.Identifier,
                    SingleVariableDesignationSyntax variable => variable.Identifier,
                    ForEachStatementSyntax each => each.Identifier,
                    ParameterSyntax parameter => parameter.Identifier,
                    _ => default,
                }
            )
            .Where(t => t.Text.Length > 0);

    private static IEnumerable<(string Text, int Line)> Texts(CompilationUnitSyntax unit)
    {
        foreach (SyntaxToken token in unit.DescendantTokens(descendIntoTrivia: false))
        {
            if (
                token.IsKind(SyntaxKind.StringLiteralToken)
                || token.IsKind(SyntaxKind.InterpolatedStringTextToken)
                || token.IsKind(SyntaxKind.SingleLineRawStringLiteralToken)
                || token.IsKind(SyntaxKind.MultiLineRawStringLiteralToken)
            )
            {
                yield return (token.Text, Line(token.GetLocation()));
            }

            foreach (
                SyntaxTrivia comment in token
                    .GetAllTrivia()
                    .Where(t => t.IsKind(SyntaxKind.SingleLineCommentTrivia) || t.HasStructure)
            )
            {
                yield return (comment.ToFullString(), Line(comment.GetLocation()));
            }
        }
    }

    private static int Line(Location location) => location.GetLineSpan().StartLinePosition.Line + 1;

    private static string Place(SyntaxToken token) =>
        $"{SourceTree.Show(token.SyntaxTree!.FilePath)}:{Line(token.GetLocation())}";

    private static string Shortened(string text) => text.Length <= 60 ? text : text[..60] + "…";
}
