using Pipeline.Contracts;

namespace Pipeline.Functions.Tests.Contracts;

/// <summary>Names from outside: which are accepted, and the message for each that is refused.</summary>
public sealed class SafeNameTests
{
    [Theory]
    [InlineData(NameKind.Project, "tweets-2")]
    [InlineData(NameKind.Run, "tweets-2118549733-bdbcdb")]
    [InlineData(NameKind.Run, "0123456789abcdef")]
    [InlineData(NameKind.File, "Grüße & more (2).csv")]
    [InlineData(NameKind.File, ".hidden")]
    [InlineData(NameKind.File, "a..b")]
    [InlineData(NameKind.Path, "folder/sub folder/rows.csv")]
    public void Name_ThatNamesSomething_IsKept(NameKind kind, string name)
    {
        Assert.True(SafeName.TryParse(name, kind, out SafeName parsed));
        Assert.Equal(name, parsed.Text);
    }

    [Theory]
    [InlineData(NameKind.Project, "ab", "use 3 to 40 of a-z, 0-9 and '-'")]
    [InlineData(NameKind.Project, "../x", "use 3 to 40")]
    [InlineData(NameKind.Project, "tweets\n", "use 3 to 40")]
    [InlineData(NameKind.Run, "a/b", "use up to 100 of")]
    [InlineData(NameKind.Run, "", "use up to 100 of")]
    [InlineData(NameKind.File, "a/b.csv", "it has a separator of folders in it")]
    [InlineData(NameKind.File, "a\\b.csv", "it has a separator of folders in it")]
    [InlineData(NameKind.File, "..", "it leads to another folder")]
    [InlineData(NameKind.File, "con.csv", "Windows keeps that name for a device")]
    [InlineData(NameKind.File, "LPT1", "Windows keeps that name for a device")]
    [InlineData(NameKind.File, "a.csv ", "it begins or ends with a blank")]
    [InlineData(NameKind.File, "a.", "ends with a full stop")]
    [InlineData(NameKind.File, "a\u202Evsc.exe", "a character in it that cannot be seen")]
    [InlineData(NameKind.Path, "../other/a.csv", "it leads to another folder")]
    [InlineData(NameKind.Path, "a/../../b.csv", "it leads to another folder")]
    [InlineData(NameKind.Path, "a/./b.csv", "it leads to another folder")]
    [InlineData(NameKind.Path, "/etc/passwd", "it is an absolute path")]
    [InlineData(NameKind.Path, "C:/a.csv", "it is an absolute path")]
    [InlineData(NameKind.Path, "C:\\a.csv", "it is an absolute path")]
    [InlineData(NameKind.Path, "a//b.csv", "a name in it is empty")]
    [InlineData(NameKind.Path, "a/", "a name in it is empty")]
    [InlineData(NameKind.Path, "a\0b", "a character in it that cannot be seen")]
    public void Name_ThatLeadsElsewhere_IsRefusedInWords(NameKind kind, string name, string words)
    {
        Assert.Contains(words, SafeName.Fault(name, kind), StringComparison.Ordinal);
        Assert.False(SafeName.TryParse(name, kind, out SafeName parsed));
        Assert.Throws<InvalidOperationException>(() => parsed.Text);
        Assert.Throws<FormatException>(() => SafeName.Parse(name, kind));
    }

    [Fact]
    public void Name_ThatIsTooLong_IsRefusedAndShownShort()
    {
        string fault = SafeName.Fault(new string('a', 10_000) + "\n", NameKind.File)!;

        Assert.Contains("longer than 255 characters", fault, StringComparison.Ordinal);
        Assert.InRange(fault.Length, 1, 300);
        Assert.Contains(
            "longer than 900",
            SafeName.Fault(new string('a', 901), NameKind.Path),
            StringComparison.Ordinal
        );
        Assert.DoesNotContain('\n', SafeName.Fault("a\nb", NameKind.File)!);
        Assert.NotNull(SafeName.Fault(null, NameKind.File));
    }

    /// <summary>No name of a blob leads to another project's, whoever calls.</summary>
    [Fact]
    public void Layout_OfAnUnsafeName_IsRefused()
    {
        Assert.Throws<ArgumentException>(() => BlobLayout.Raw("tweets", "../other/a.csv"));
        Assert.Throws<ArgumentException>(() => BlobLayout.Job("../jobs"));
        Assert.Throws<ArgumentException>(() => BlobLayout.Dataset("a/../b", "train.jsonl"));
        Assert.Throws<ArgumentException>(() => BlobLayout.FeedbackBatch("tweets", "../../x"));
        Assert.Throws<ArgumentException>(() => BlobLayout.CorrectedPrefix("tweets", ".."));
    }
}
