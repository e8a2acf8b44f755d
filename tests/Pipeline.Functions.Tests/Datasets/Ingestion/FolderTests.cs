using Pipeline.Datasets.Ingestion.Rows;
using static Pipeline.Functions.Tests.Datasets.Ingestion.Packings;
using static Pipeline.Functions.Tests.Datasets.Ingestion.RawFiles;

namespace Pipeline.Functions.Tests.Datasets.Ingestion;

/// <summary>Files that mean something only beside one another: labels by line, by file and by folder.</summary>
public sealed class FolderTests
{
    [Fact]
    public void Read_TextsBesideLabels_AreTakenLineByLine()
    {
        byte[] zip = Zip(
            ("val_text.txt", Utf8("first\n\"second\nthird\n")),
            ("val_labels.txt", Utf8("1\n0\n")),
            ("mapping.txt", Utf8("0\tbad\n1\tgood\n")),
            ("picture.png", [0x89, 0x50, 0, 0])
        );

        (List<RawRow> rows, IReadOnlyList<string> notes) = Read("tweets.zip", zip);

        Assert.Equal(
            [("first", "good"), ("\"second", "bad")],
            rows.Take(2).Select(r => (r.Fields["text"], r.Fields["label"]))
        );
        Assert.Contains("goes on where", rows[2].Fault, StringComparison.Ordinal);
        Assert.Contains(notes, n => n.Contains("picture.png", StringComparison.Ordinal));
    }

    [Fact]
    public void Read_FileOrFolderAClass_GivesItsName()
    {
        Assert.Equal(
            [("bad film", "neg"), ("good film", "pos")],
            Read("a.zip", Zip(("rt.neg", Utf8("bad film\n")), ("rt.pos", Utf8("good film\n"))))
                .Rows.Select(r => (r.Fields["text"], r.Fields["label"]))
        );

        string mail =
            "From: a@x.org\nSubject: Win now\nContent-Type: text/html; charset=utf-8\n\n"
            + "<p>Click <b>here</b> &amp; win</p>";
        List<RawRow> mails = Read(
            "mails.tar.gz",
            Gzip(
                Tar(
                    ("spam/1.txt", Utf8(mail)),
                    ("spam/2.txt", Utf8("buy")),
                    ("ham/1.txt", Utf8("hello")),
                    ("ham/2.txt", Utf8("see you"))
                )
            )
        ).Rows;

        Assert.Equal(["ham", "ham", "spam", "spam"], mails.Select(r => r.Fields["label"]).Order());
        Assert.Contains(
            mails,
            r =>
                r.Fields["text"].StartsWith("Win now\n\n", StringComparison.Ordinal)
                && r.Fields["text"].Contains("Click here & win", StringComparison.Ordinal)
        );
    }

    [Theory]
    [InlineData("From the very first scene it was good.\n\nThe second part was better.")]
    [InlineData("From: a friend who knows\n\nTo: be or not")]
    [InlineData("Subject: matter\nall of it\n\nis good")]
    public void Read_TextsThatBeginLikeMails_StayWhole(string text)
    {
        byte[] zip = Zip(
            ("pos/1.txt", Utf8(text)),
            ("pos/2.txt", Utf8("good")),
            ("neg/1.txt", Utf8("bad")),
            ("neg/2.txt", Utf8("worse")),
            ("index.txt", Utf8("a list\nof files\n"))
        );

        List<RawRow> rows = Read("films.zip", zip).Rows;

        Assert.Equal(4, rows.Count);
        Assert.Contains(text, rows.Select(r => r.Fields["text"]));
    }

    [Fact]
    public void Read_FilesNamedAfterSplits_AreNoClasses()
    {
        string conll = string.Concat(Enumerable.Repeat("Ada NNP B-PER\nlives VBZ O\nin IN O\nRome NNP B-LOC\n\n", 6));

        List<RawRow> rows = Read("ner.zip", Zip(("eng.train", Utf8(conll)), ("eng.testa", Utf8(conll)))).Rows;

        Assert.Equal(12, rows.Count);
        Assert.All(rows, r => Assert.Equal("Ada lives in Rome", r.Fields["text"]));
    }
}
