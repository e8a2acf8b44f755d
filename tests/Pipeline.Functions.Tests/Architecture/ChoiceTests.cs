using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Pipeline.Functions.Tests.Architecture;

/// <summary>
/// A choice among values that the product itself names is an enumeration: no source compares one as a string.
/// </summary>
public sealed class ChoiceTests
{
    /// <summary>Constants that are names and not choices: of files, of tools' columns and roles, of metadata.</summary>
    private static readonly string[] Names =
    [
        "Alpaca", // columns of a layout
        "AnnotatorVerdict",
        "BlobLayout", // names of blobs
        "ChatMlTemplate", // names of templates, by which project.yaml chooses and others publish
        "DatasetManifest", // the name of a layout, for people
        "LanguageCounts", // languages, an open set
        "Llama2Template",
        "Llama3Template",
        "LlamaConfig", // architectures, by their names in config.json
        "LoraOptions", // linear layers, an open set
        "MistralTemplate",
        "PlainTextTemplate",
        "Preferences",
        "PrivateType", // Presidio's types, to which data adds its own
        "TrainingSettings", // linear layers
        "ValuesOfAttribute", // arguments of an attribute
    ];

    [Fact]
    public void Comparisons_OfChoices_AreNotOfStrings()
    {
        CompilationUnitSyntax[] sources =
        [
            .. SourceTree
                .Projects.Where(p => !SourceTree.IsTest(p))
                .SelectMany(p => SourceTree.SourcesIn(Path.GetDirectoryName(p)!))
                .Select(SourceTree.Parse),
        ];
        HashSet<string> members =
        [
            .. sources
                .SelectMany(s => s.DescendantNodes().OfType<EnumMemberDeclarationSyntax>())
                .SelectMany(m => m.DescendantNodes().OfType<AttributeSyntax>())
                .Where(a => a.Name.ToString() == "JsonStringEnumMemberName")
                .Select(a => a.ArgumentList!.Arguments[0].Expression)
                .OfType<LiteralExpressionSyntax>()
                .Select(l => l.Token.ValueText),
        ];
        HashSet<string> constants =
        [
            .. sources
                .SelectMany(s => s.DescendantNodes().OfType<FieldDeclarationSyntax>())
                .Where(f => f.Modifiers.Any(SyntaxKind.ConstKeyword) && f.Declaration.Type.ToString() == "string")
                .SelectMany(f =>
                    f.Declaration.Variables.Select(v =>
                        $"{((TypeDeclarationSyntax)f.Parent!).Identifier}.{v.Identifier}"
                    )
                ),
        ];
        Assert.True(members.Count > 40 && constants.Count > 20, "the sources were not found");

        string[] compared =
        [
            .. sources
                .SelectMany(Compared)
                .Where(e => IsMember(e, members) || IsConstant(e, constants))
                .Select(e => $"{SourceTree.Show(e)} {e}"),
        ];

        Assert.True(compared.Length == 0, string.Join(Environment.NewLine, compared));
    }

    /// <summary>What is compared with something else: by operators, patterns and cases.</summary>
    private static IEnumerable<ExpressionSyntax> Compared(CompilationUnitSyntax source) =>
        [
            .. source
                .DescendantNodes()
                .OfType<BinaryExpressionSyntax>()
                .Where(b => b.IsKind(SyntaxKind.EqualsExpression) || b.IsKind(SyntaxKind.NotEqualsExpression))
                .SelectMany(b => (ExpressionSyntax[])[b.Left, b.Right]),
            .. source.DescendantNodes().OfType<ConstantPatternSyntax>().Select(p => p.Expression),
            .. source.DescendantNodes().OfType<CaseSwitchLabelSyntax>().Select(c => c.Value),
        ];

    /// <summary>A text that is the name of a choice.</summary>
    private static bool IsMember(ExpressionSyntax expression, HashSet<string> members) =>
        expression is LiteralExpressionSyntax literal
        && literal.IsKind(SyntaxKind.StringLiteralExpression)
        && members.Contains(literal.Token.ValueText)
        && !IsOfAForeignFormat(expression);

    private static bool IsConstant(ExpressionSyntax expression, HashSet<string> constants) =>
        expression is MemberAccessExpressionSyntax { Expression: IdentifierNameSyntax type } access
        && constants.Contains($"{type.Identifier}.{access.Name}")
        && !Names.Contains(type.Identifier.Text);

    /// <summary>
    /// Words of formats of others, and of versions before, which happen to be spelled like one of ours: where these are
    /// read.
    /// </summary>
    private static bool IsOfAForeignFormat(ExpressionSyntax expression)
    {
        string path = expression.SyntaxTree.FilePath.Replace('\\', '/');
        return path.Contains("/Ingestion/", StringComparison.Ordinal)
            || Array.Exists(
                (string[])["/PeftConfig.cs", "/ReadableModelFaults.cs", "/TrainingSettings.cs"],
                f => path.EndsWith(f, StringComparison.Ordinal)
            );
    }
}
