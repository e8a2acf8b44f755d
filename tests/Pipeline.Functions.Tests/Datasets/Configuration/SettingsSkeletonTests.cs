using System.Text;
using System.Text.RegularExpressions;
using Pipeline.Contracts;
using Pipeline.Datasets.Building;
using Pipeline.Datasets.Configuration;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Functions.Tests.Datasets.Configuration;

/// <summary>The project.yaml to fill in: whole, true to the defaults, and right in what it guesses.</summary>
public sealed partial class SettingsSkeletonTests
{
    private static readonly string Empty = SettingsSkeleton.Write(["A remark."], []);

    /// <summary>As its reader would take the comments away.</summary>
    private static string Uncommented(string yaml) => Commented().Replace(yaml, "${indent}${key}");

    private static DatasetPreview Preview(
        string name,
        string content,
        string yaml = "validation: { maxTokens: 512 }"
    ) =>
        DatasetPreview.Create(
            BuiltDataset.RequestFor([new RawFile(name, Encoding.UTF8.GetBytes(content))], yaml),
            shown: 5
        );

    [Fact]
    public void Skeleton_AsWritten_IsEveryDefault() =>
        Assert.Equal(SettingsIdentity.Write(ProjectFile.Read("")), SettingsIdentity.Write(ProjectFile.Read(Empty)));

    [Fact]
    public void Skeleton_WithEveryLineSet_IsEveryDefault()
    {
        string all = Uncommented(Empty);

        Assert.Equal(2, all.Split('\n').Count(l => l.StartsWith('#')));
        Assert.Equal(
            SettingsIdentity.Write(ProjectFile.Read("task: classification")),
            SettingsIdentity.Write(ProjectFile.Read(all))
        );
    }

    [Fact]
    public void Skeleton_Keys_AreAllOfTheSettings()
    {
        string[] keys = [.. Commented().Matches(Empty).Select(m => m.Groups["key"].Value.TrimEnd(':'))];

        IEnumerable<Setting> Shown(IEnumerable<Setting> settings) =>
            settings
                .Where(s => s.Description.Length > 0)
                .SelectMany(s =>
                    s is { IsGroup: true, IsList: false, Default: not null } ? Shown(s.Children).Prepend(s) : [s]
                );
        Assert.Equal([.. Shown(Setting.All).Select(s => s.Keys[0])], keys);
    }

    [Fact]
    public void Guess_OfATable_NamesColumnsLabelsAndLength()
    {
        string csv =
            "when,post,mood\n"
            + string.Concat(
                Enumerable
                    .Range(0, 30)
                    .Select(i =>
                        $"2024-01-{i:00},the row number {i} of the garden,{(i % 2 == 0 ? "yes" : "Good: very")}\n"
                    )
            );

        DatasetPreview preview = Preview("a.csv", csv);
        string yaml = SettingsSkeleton.Write([], SettingsGuess.From(preview));
        ProjectSettings settings = ProjectFile.Read(yaml);

        Assert.Equal((TaskKind.Classification, true), (settings.Task, settings.HasExplicitTask));
        Assert.Equal(("post", "mood"), (settings.Columns.Text, settings.Columns.Label));
        Assert.Equal(["Good: very", "yes"], settings.Labels.Select(l => l.Name));
        Assert.InRange(settings.Validation.MaxTokens, preview.LongestTokens, preview.LongestTokens + 64);
        Assert.Contains("'mood' holds 2 labels, which come again and again", yaml, StringComparison.Ordinal);
    }

    [Fact]
    public void Preview_ShowsWhatIsLearnedAndWhyRowsAreNot()
    {
        string csv =
            "text,label\n"
            + string.Concat(Enumerable.Range(0, 30).Select(i => $"the row number {i},{(i == 7 ? "" : "ab"[i % 2])}\n"));

        DatasetPreview preview = Preview("a.csv", csv);

        Assert.Equal((30, 5), (preview.Rows, preview.Accepted.Count));
        Assert.Equal("a.csv#1", preview.Accepted[0].Id);
        Assert.Equal(
            [
                (
                    "<s>[INST] <<SYS>>\nYou label a text. Answer with one of: a, b.\n<</SYS>>\n\nthe row number 0 [/INST]",
                    false
                ),
                (" a </s>", true),
            ],
            preview.Accepted[0].Parts.Select(p => (p.Text, p.IsLearned))
        );
        Assert.Equal(("a.csv#8", RejectionReason.MissingLabel), (preview.Rejected[0].Id, preview.Rejected[0].Reason));
        Assert.Equal(1, preview.Reasons[RejectionReason.MissingLabel.Name()]);
    }

    [Theory]
    [InlineData("a.csv", "text,label", "the row number {0} of a garden that is large,{1}")]
    [InlineData("a.jsonl", "", """{{"text": "the row number {0} of a garden that is large", "label": "{1}"}}""")]
    [InlineData("a.json", "[", """{{"text": "the row number {0} of a garden that is large", "label": "{1}"}},""")]
    public void Preview_OfALargeFile_ReadsAtMost8MiB(string name, string header, string row)
    {
        var text = new StringBuilder(header.Length == 0 ? "" : header + "\n");
        for (int i = 0; text.Length < 20 << 20; i++)
        {
            text.AppendFormat(System.Globalization.CultureInfo.InvariantCulture, row, i, "ab"[i % 2]).Append('\n');
        }

        byte[] bytes = Encoding.UTF8.GetBytes(text.ToString());
        long read = 0;
        var file = new RawFile(name, bytes.Length, () => new CountingStream(bytes, n => read += n));

        DatasetPreview preview = DatasetPreview.Create(BuiltDataset.RequestFor([file]), shown: 5);

        Assert.InRange(read, 1, 8 << 20);
        Assert.Equal((1000, 5, 0, true), (preview.Rows, preview.Accepted.Count, preview.Rejected.Count, preview.IsCut));
    }

    [GeneratedRegex(@"^# (?<indent> *)(?<key>[A-Za-z0-9]+:)", RegexOptions.Multiline)]
    private static partial Regex Commented();

    /// <summary>Counts the bytes that are read.</summary>
    private sealed class CountingStream(byte[] bytes, Action<int> count) : MemoryStream(bytes, writable: false)
    {
        public override int Read(byte[] buffer, int offset, int length)
        {
            int read = base.Read(buffer, offset, length);
            count(read);
            return read;
        }

        public override int Read(Span<byte> buffer)
        {
            byte[] rented = new byte[buffer.Length];
            int read = Read(rented, 0, rented.Length);
            rented.AsSpan(0, read).CopyTo(buffer);
            return read;
        }
    }
}
