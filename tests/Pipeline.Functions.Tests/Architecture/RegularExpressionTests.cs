using System.Reflection;
using System.Text.RegularExpressions;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Reporting.Metrics;
using Pipeline.Tokenization;

namespace Pipeline.Functions.Tests.Architecture;

/// <summary>
/// Our regular expressions meet texts of strangers: none may take more than a text's length. One that backtracks by the
/// square takes minutes for 100,000 characters of the wrong kind, and a linear one a few milliseconds.
/// </summary>
public sealed class RegularExpressionTests
{
    private const int Characters = 100_000;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);
    private static readonly string[] Pumps =
    [
        .. (
            (string[])["A", "a", "1", ".", " ", "-", "@", ",", "\"", "\\", "<", "[", "\n", "'", ":", "/", "&", "+", "("]
        ),
        .. ((string[])["Aa", "A ", "A. ", "a ", "1 ", "1-", "1.", "a.", "a@", "A-", "1:", "A, ", "A&", "\"\\", "\\\""]),
        .. ((string[])["<<SYS>>", "[INST]", "</s>", "<s>", "www.", "http://", "a1", "A1", "A1 ", "1A ", "12 Aa "]),
        .. (
            (string[])
                ["__label__a ", "called ", "in ", "in A ", "Aa Ba, ", "Rue a ", "123 Aa ", "and ", "Aa and ", "1 a "]
        ),
    ];

    public static TheoryData<string> Expressions() =>
        [
            .. ((Type[])[typeof(BlobLayout), typeof(DatasetException), typeof(RougeL), typeof(ChatEncoder)])
                .SelectMany(t => t.Assembly.GetTypes())
                .SelectMany(t =>
                    t.GetMethods(
                        BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public | BindingFlags.DeclaredOnly
                    )
                )
                .Where(m => m.GetCustomAttribute<GeneratedRegexAttribute>() is not null)
                .Select(m => $"{m.DeclaringType!.FullName}|{m.Name}|{m.DeclaringType.Assembly.GetName().Name}"),
        ];

    [Theory]
    [MemberData(nameof(Expressions))]
    public void Each_is_linear(string expression)
    {
        string[] at = expression.Split('|');
        GeneratedRegexAttribute form = Type.GetType($"{at[0]}, {at[2]}")!
            .GetMethod(at[1], BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public)!
            .GetCustomAttribute<GeneratedRegexAttribute>()!;
        var regex = new Regex(form.Pattern, form.Options | RegexOptions.Compiled, Limit);
        foreach (string pump in Pumps)
        {
            string text = string.Concat(Enumerable.Repeat(pump, Characters / pump.Length));
            foreach (string whole in (string[])[text, text + "\u0001", "A" + text + "!"])
            {
                Assert.True(Matches(regex, whole) is { } count && count >= 0, $"'{pump}' takes too long");
            }
        }
    }

    private static int? Matches(Regex regex, string text)
    {
        try
        {
            return regex.Count(text);
        }
        catch (RegexMatchTimeoutException)
        {
            return null;
        }
    }
}
