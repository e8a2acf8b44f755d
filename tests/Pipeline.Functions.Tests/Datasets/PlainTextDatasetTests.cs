using System.Globalization;
using System.Text;
using Pipeline.Contracts;
using Pipeline.Datasets.Building;
using Pipeline.Datasets.Configuration;
using Pipeline.Datasets.Ingestion.Rows;
using Pipeline.Tokenization;

namespace Pipeline.Functions.Tests.Datasets;

/// <summary>Plain texts to a dataset: no answers, long ones in pieces.</summary>
public sealed class PlainTextDatasetTests
{
    private const int MaxTokens = 48;
    private static readonly ProjectSettings Settings = ProjectFile.Read(
        $"task: text\nvalidation: {{ maxTokens: {MaxTokens} }}\nsplit: {{ test: 0.2, validation: 0.1 }}\n"
    );
    private static readonly ChatEncoder Encoder = ChatEncoder.FromDirectory(
        RepositoryFiles.At("gpu-worker", "models", "tiny-llama-chat"),
        Settings.Template
    );

    private static BuiltDataset Build(string name, string content) =>
        BuiltDataset.From(
            new DatasetRequest
            {
                Project = "texts",
                Settings = Settings,
                Files = [new RawFile(name, Encoding.UTF8.GetBytes(content))],
                Encoder = Encoder,
                TokenizerSha256 = "t",
            }
        );

    /// <summary>Paragraph i, long in every third: words, sentences, lines, and some without any blank.</summary>
    private static string Paragraph(int i) =>
        (i % 3) switch
        {
            0 => string.Join(
                ' ',
                Enumerable
                    .Range(0, 60)
                    .Select(k => k % 9 == 8 ? $"word{i}x{k}.{(k % 18 == 17 ? "\n" : "")}" : $"word{i}x{k}")
            ),
            1 => $"A short text, number {i}.",
            _ => string.Concat(Enumerable.Repeat("\U0001F600漢字" + i.ToString(CultureInfo.InvariantCulture), 25)),
        };

    [Fact]
    public void Build_Paragraphs_ArePiecesThatFitAndTogetherAreTheText()
    {
        string[] paragraphs = [.. Enumerable.Range(0, 30).Select(Paragraph)];

        BuiltDataset build = Build("book.txt", string.Join("\n\n\n", paragraphs) + "\n\n" + paragraphs[1] + "\n");

        Assert.Null(build.Fault);
        RowCounts counts = build.Manifest.Rows;
        Assert.Equal((31, 30, 0, 1), (counts.Read, counts.Accepted, counts.Rejected, counts.Duplicates));
        List<Example> pieces = build.Rows(BlobLayout.TrainFile, BlobLayout.ValidationFile, BlobLayout.TestFile);
        Assert.Equal(counts.Train + counts.Validation + counts.Test, pieces.Count);
        Assert.All(pieces, p => Assert.True(Encoder.Encode(p.Messages).Ids.Count <= MaxTokens, p.Id));
        List<IGrouping<int, Example>> texts = [.. pieces.GroupBy(p => p.Source.Row).OrderBy(g => g.Key)];
        // a blank at a cut belongs to neither piece
        static string Bare(string text) => text.Replace(" ", "", StringComparison.Ordinal);
        Assert.Equal(
            paragraphs.Select(Bare),
            texts.Select(t => Bare(string.Concat(t.Select(p => p.Messages[0].Content))))
        );
        Assert.All(
            texts,
            t =>
                Assert.Equal(
                    [.. Enumerable.Repeat(MessageRole.Excerpt, t.Count() - 1), MessageRole.Document],
                    t.Select(p => p.Messages[0].Role)
                )
        );
        Assert.True(texts[0].Count() > 2, "the long one was cut");
        // after a word, a sentence, a line
        Assert.All(texts[0].SkipLast(1), p => Assert.Matches(@"(word0x\d+\.?|\n)$", p.Messages[0].Content));
        Assert.All(
            pieces,
            p =>
                Assert.False(
                    p.Messages[0].Content[0] == ' ' || p.Messages[0].Content[^1] == ' ',
                    "a blank at the border"
                )
        );
        Assert.Equal(pieces.Count, pieces.Select(p => p.Id).Distinct().Count());
        Assert.Equal("book.txt#2", texts[1].Single().Id);
        Assert.Equal("book.txt#1.2", texts[0].ElementAt(1).Id);
    }

    [Fact]
    public void Build_PiecesOfOneText_AreAllOnOneSideOfTheSplit()
    {
        BuiltDataset build = Build("book.txt", string.Join("\n\n", Enumerable.Range(0, 30).Select(Paragraph)));

        string[] files = [BlobLayout.TrainFile, BlobLayout.ValidationFile, BlobLayout.TestFile];
        Assert.All(
            build.Rows(files).GroupBy(p => p.Source.Row),
            t => Assert.Single(files, f => build.Rows(f).Any(p => p.Source.Row == t.Key))
        );
        Assert.All(files, f => Assert.NotEmpty(build.Rows(f)));
    }

    [Fact]
    public void Build_LinesWithoutBlankOnes_AreATextEach()
    {
        BuiltDataset build = Build("notes.md", "first line\nsecond line\nthird line\nfourth line\n");

        Assert.Equal(
            [(1, 1), (2, 2), (3, 3), (4, 4)],
            build
                .Rows(BlobLayout.TrainFile, BlobLayout.ValidationFile, BlobLayout.TestFile)
                .Select(r => (r.Source.Row, r.Source.Line))
                .Order()
        );
    }

    [Theory]
    [InlineData("a.csv", "id,body\n1,first text\n2,second text\n3,third text\n4,\n", "body")]
    [InlineData(
        "a.jsonl",
        "{\"content\": \"first text\"}\n{\"content\": \"second text\"}\n"
            + "{\"content\": \"third text\"}\n{\"content\": \"\"}\n",
        "content"
    )]
    public void Build_Table_TakesTheTextColumnAlone(string name, string content, string column)
    {
        BuiltDataset build = Build(name, content);

        Assert.Equal(new ColumnReading(column, "", true), build.Manifest.Columns);
        Assert.Equal((4, 3, 1), (build.Manifest.Rows.Read, build.Manifest.Rows.Accepted, build.Manifest.Rows.Rejected));
        Assert.Equal("missing_text", Assert.Single(build.Manifest.Reasons).Key);
    }

    [Fact]
    public void Build_ParagraphsFurtherDown_KeepTheirLines() =>
        Assert.Equal(
            [1, 4, 7],
            Build("a.txt", "one\nmore\n\ntwo\n\n\nthree\n")
                .Rows(BlobLayout.TrainFile, BlobLayout.ValidationFile, BlobLayout.TestFile)
                .Select(r => r.Source.Line)
                .Order()
        );

    /// <summary>
    /// A heading that all texts share must not be asked of a model that has learned it; one very long text trains.
    /// </summary>
    [Fact]
    public void Build_SharedHeadingAndOneHugeText_LeaveAFairTestSet()
    {
        string heading = string.Join(' ', Enumerable.Range(0, 30).Select(k => $"licence{k}"));
        string Text(int i, int words) =>
            string.Join(' ', Enumerable.Range(0, words).Select(k => $"a{i}b{k * 7 % 1000}"));
        string[] texts = [Text(0, 3000), .. Enumerable.Range(1, 60).Select(i => heading + " " + Text(i, 40))];

        BuiltDataset build = Build("book.txt", string.Join("\n\n", texts));

        Assert.Null(build.Fault);
        Assert.DoesNotContain(build.Rows(BlobLayout.TestFile, BlobLayout.ValidationFile), p => p.Source.Row == 1);
        Assert.DoesNotContain(
            build.Rows(BlobLayout.TestFile, BlobLayout.ValidationFile),
            p => p.Messages[0].Content.EndsWith("licence29", StringComparison.Ordinal)
        );
        Assert.Contains(
            build.Manifest.Notes,
            n => n.Contains("nearly repeat a piece to learn", StringComparison.Ordinal)
        );
    }
}
