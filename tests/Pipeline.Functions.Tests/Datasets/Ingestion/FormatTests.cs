using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using MiniExcelLibs;
using Parquet.Serialization;
using Pipeline.Datasets;
using Pipeline.Datasets.Ingestion;
using ZstdSharp;
using static Pipeline.Functions.Tests.Datasets.Ingestion.RawFiles;

namespace Pipeline.Functions.Tests.Datasets.Ingestion;

/// <summary>Every format and packing gives the same rows.</summary>
public sealed class FormatTests
{
    private static byte[] Packed(Func<Stream, Stream> pack, byte[] content)
    {
        var packed = new MemoryStream();
        using (Stream stream = pack(packed))
        {
            stream.Write(content);
        }

        return packed.ToArray();
    }

    private static byte[] Gzip(byte[] content) => Packed(s => new GZipStream(s, CompressionLevel.Fastest), content);

    private static byte[] Zip(params (string Name, byte[] Content)[] files)
    {
        var packed = new MemoryStream();
        using (var archive = new ZipArchive(packed, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach ((string name, byte[] content) in files)
            {
                using Stream entry = archive.CreateEntry(name).Open();
                entry.Write(content);
            }
        }

        return packed.ToArray();
    }

    private static byte[] Tar(params (string Name, byte[] Content)[] files)
    {
        var packed = new MemoryStream();
        using (var writer = new TarWriter(packed, leaveOpen: true))
        {
            foreach ((string name, byte[] content) in files)
            {
                writer.WriteEntry(
                    new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content) }
                );
            }
        }

        return packed.ToArray();
    }

    [Fact]
    public void Read_EachPacking_GivesTheSameRows()
    {
        byte[] csv = Utf8(Csv);

        AssertRows(Read("a.csv.gz", Gzip(csv)).Rows);
        AssertRows(Read("a.csv.zst", Packed(s => new CompressionStream(s), csv)).Rows);
        AssertRows(Read("a.zip", Zip(("__MACOSX/._a.csv", [0, 1]), ("README.md", Utf8("about")), ("a.csv", csv))).Rows);
        AssertRows(Read("a.tar.gz", Gzip(Tar(("./a.csv", csv)))).Rows);
        AssertRows(Read("a.tgz", Gzip(Tar(("inner.zip", Zip(("a.csv", csv)))))).Rows);
        Assert.Equal("a.zip/a.csv", Read("a.zip", Zip(("a.csv", csv))).Rows[0].Place.File);
    }

    [Fact]
    public void Read_FileLargerThanMemoryAllows_IsUnpackedToDiskAndGone()
    {
        string rows =
            "text,label\n"
            + string.Concat(Enumerable.Range(0, 60_000).Select(i => $"row number {i} of many,{i % 2}\n"));
        int before = Directory.GetDirectories(Path.GetTempPath(), "pipeline-unpacked-*").Length;

        (List<RawRow> read, _) = Read("big.csv.gz", Gzip(Utf8(rows)));

        Assert.Equal(60_000, read.Count);
        Assert.Equal("row number 59999 of many", read[^1].Fields["text"]);
        Assert.Equal(before, Directory.GetDirectories(Path.GetTempPath(), "pipeline-unpacked-*").Length);
    }

    [Fact]
    public void Read_ArchiveThatUnpacksToFarTooMuch_IsRefused()
    {
        byte[] bomb = Packed(s => new GZipStream(s, CompressionLevel.SmallestSize), new byte[1 << 20]);
        byte[] nested = bomb;
        for (int i = 0; i < 5; i++)
        {
            nested = Gzip(nested);
        }

        Assert.Contains(
            "archives within archives",
            Assert.Throws<DatasetException>(() => Read("a.gz", nested)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Read_JsonArray_StreamsItsElementsWithTheirPlaces()
    {
        string json =
            "\uFEFF[\n"
            + string.Join(
                ",\n",
                Enumerable
                    .Range(0, 5000)
                    .Select(i => $"{{\"text\": \"row {i} {new string('x', i % 97)}\", \"n\": [{i}, null]}}")
            )
            + "\n]";
        byte[] bytes = Utf8(json);

        List<RawRow> rows = Read("a.json", bytes).Rows;

        Assert.Equal(5000, rows.Count);
        Assert.All(
            rows.Index(),
            r => Assert.StartsWith($"row {r.Index} ", r.Item.Fields["text"], StringComparison.Ordinal)
        );
        Assert.Equal("[4999, null]", rows[^1].Fields["n"]);
        Assert.All(rows, r => Assert.Equal((byte)'{', bytes[r.Place.Offset]));
    }

    [Fact]
    public void Read_JsonArrayThatBreaksOff_KeepsWhatStoodBefore()
    {
        List<RawRow> rows = Read("a.json", Utf8("[{\"text\":\"a\"},{\"text\":\"b\"},{\"text\":")).Rows;

        Assert.Equal(["a", "b"], rows.Take(2).Select(r => r.Fields["text"]));
        Assert.Contains("broken here", Assert.Single(rows.Skip(2)).Fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_OneObject_GivesTheElementsOfItsArray()
    {
        (List<RawRow> rows, IReadOnlyList<string> notes) = Read(
            "a.json",
            Utf8("{\n \"version\": 2,\n \"data\": [{\"text\": \"a\"}, {\"text\": \"b\"}]\n}")
        );

        Assert.Equal(["a", "b"], rows.Select(r => r.Fields["text"]));
        Assert.Equal(["The rows are the elements of 'data' in 'a.json'."], notes);
    }

    [Fact]
    public async Task Read_Parquet_GivesItsRows()
    {
        using var file = new MemoryStream();
        await ParquetSerializer.SerializeAsync(
            [new Line { text = "Grüße, \"Welt\"\nzweite Zeile", label = "a" }, new Line { text = "zwei", label = "b" }],
            file,
            cancellationToken: TestContext.Current.CancellationToken
        );

        AssertRows(Read("a.parquet", file.ToArray()).Rows);
    }

    [Fact]
    public void Read_Spreadsheet_GivesTheRowsOfItsFirstSheet()
    {
        using var file = new MemoryStream();
        file.SaveAs(
            new[]
            {
                new Line { text = "Grüße, \"Welt\"\nzweite Zeile", label = "a" },
                new Line { text = "zwei", label = "b" },
            }
        );

        AssertRows(Read("a.xlsx", file.ToArray()).Rows);
    }

    [Fact]
    public void Read_Conll_GivesSentencesWithSpans()
    {
        string conll =
            "-DOCSTART- -X- O O\n\n"
            + string.Concat(
                Enumerable.Repeat(
                    "Ada NNP B-PER\nLovelace NNP I-PER\nlives VBZ O\nin IN O\nLondon NNP B-LOC\n. . O\n\n",
                    4
                )
            )
            + "Paris\tB-LOC\nParis\tB-LOC\n";

        List<RawRow> rows = Read("a.txt", Utf8(conll)).Rows;

        Assert.Equal(5, rows.Count);
        Assert.Equal("Ada Lovelace lives in London .", rows[0].Fields["text"]);
        Assert.Equal(
            """[{"start":0,"end":12,"label":"PER"},{"start":22,"end":28,"label":"LOC"}]""",
            rows[0].Fields["spans"]
        );
        Assert.Equal(
            """[{"start":0,"end":5,"label":"LOC"},{"start":6,"end":11,"label":"LOC"}]""",
            rows[^1].Fields["spans"]
        );
        Assert.Equal(3, rows[0].Place.Line);
    }

    [Fact]
    public void Read_TableWithoutNames_NumbersItsColumns()
    {
        (List<RawRow> rows, IReadOnlyList<string> notes) = Read(
            "a.tsv",
            Utf8("17\tgood\tI like it.\n18\tbad\tI do not.\n19\tgood\tFine!\n")
        );

        Assert.Equal(["good", "bad", "good"], rows.Select(r => r.Fields["column 2"]));
        Assert.Contains("no line of column names", Assert.Single(notes), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_LabelledLines_AreToldApart()
    {
        string trec = string.Concat(
            Enumerable
                .Range(0, 30)
                .Select(i =>
                    i % 3 == 0 ? $"NUM:dist How far is it to town {i} ?\n" : $"LOC:city Which city is number {i} ?\n"
                )
        );

        List<RawRow> rows = Read("a.txt", Utf8(trec)).Rows;

        Assert.Equal(("NUM:dist", "How far is it to town 0 ?"), (rows[0].Fields["label"], rows[0].Fields["text"]));
        Assert.Equal(30, rows.Count);
    }

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
            "From: a@x.org\nSubject: Win now\nContent-Type: text/html; charset=utf-8\n\n<p>Click <b>here</b> &amp; win</p>";
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
    [InlineData("a.csv", ",")]
    [InlineData("a.tsv", "\t")]
    public void Read_RowsThatBeginWithAHash_AreRows(string name, string separator) =>
        Assert.Equal(
            ["#late again", "fine"],
            Read(name, Utf8($"text{separator}label\n#late again{separator}a\nfine{separator}b\n"))
                .Rows.Select(r => r.Fields["text"])
        );

    [Theory]
    [InlineData("text,label,2019\na,x,1\nb,y,2\n", "text")]
    [InlineData(
        "text,label,How satisfied were you with the service that you were given on that day?\na,x,1\nb,y,2\n",
        "text"
    )]
    // a value comes again: no line of names
    [InlineData("post,kind\nwas nice,kind\nwas not,unkind\nwas so,kind\n", "column 1")]
    // a known name that is a label here
    [InlineData("what is it,question\nit is this,answer\nand that,question\nis it,answer\n", "column 1")]
    public void Read_FirstLine_IsTakenForWhatItIs(string csv, string column) =>
        Assert.Contains(column, Read("a.csv", Utf8(csv)).Rows[0].Fields.Keys);

    [Fact]
    public void Read_ColumnsThatAreNamedForIt_SettleTheHeader()
    {
        using var reader = new RawReader(columns: ["post", "kind"]);

        Assert.Equal(
            3,
            reader.Read(new RawFile("a.csv", Utf8("post,kind\nwas nice,kind\nwas not,unkind\nwas so,kind\n"))).Count()
        );
    }

    [Fact]
    public void Read_ArraysOneBehindTheOther_AreNotCutSilently()
    {
        List<RawRow> rows = Read("a.json", Utf8("[{\"text\": \"a\"}]\n[{\"text\": \"b\"}]")).Rows;

        Assert.Equal("a", rows[0].Fields["text"]);
        Assert.Contains("something follows the array", Assert.Single(rows.Skip(1)).Fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_HiddenFilesOfATar_ArePassedOver() =>
        AssertRows(
            Read(
                "a.tar",
                Tar(("./a.csv", Utf8(Csv)), ("./._a.csv", Utf8("resource fork")), (".notes.csv", Utf8("x,y\n1,2\n")))
            ).Rows
        );

    [Fact]
    public void Read_HolderOfRowsOnOneLine_IsReadAsOverMany() =>
        Assert.Equal(
            ["a", "b"],
            Read("a.json", Utf8("{\"version\": 2, \"data\": [{\"text\": \"a\"}, {\"text\": \"b\"}]}"))
                .Rows.Select(r => r.Fields["text"])
        );

    [Fact]
    public void Read_SpreadsheetWithoutNames_KeepsItsFirstRow()
    {
        using var file = new MemoryStream();
        file.SaveAs(
            Enumerable
                .Range(0, 6)
                .Select(i => new Line { text = $"this is the text of row {i}.", label = i % 2 == 0 ? "a" : "b" }),
            printHeader: false
        );

        Assert.Equal(6, Read("a.xlsx", file.ToArray()).Rows.Count);
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

    [Fact]
    public void Read_ConllWithLastTagsAndTabLines_KeepsSentencesAndNames()
    {
        List<RawRow> rows = Read(
            "a.conll",
            Utf8(string.Concat(Enumerable.Repeat("John\tB-PER\nSmith\tL-PER\nleft\tO\n\t\n", 6)))
        ).Rows;

        Assert.Equal(6, rows.Count);
        Assert.Equal("""[{"start":0,"end":10,"label":"PER"}]""", rows[0].Fields["spans"]);
    }

    [Fact]
    public void Read_ArchiveOfWhatIsNotRead_SaysWhat() =>
        Assert.Contains(
            "is a PDF",
            Assert
                .Throws<DatasetException>(() =>
                    Read("a.zip", Zip(("1.pdf", Utf8("%PDF-1.7")), ("2.pdf", Utf8("%PDF-1.7"))))
                )
                .Message,
            StringComparison.Ordinal
        );

    [Theory]
    [InlineData("%PDF-1.7", "is a PDF")]
    [InlineData("7z\u00BC\u00AF", "is a 7z archive")]
    [InlineData("Rar!\u001A", "is a RAR archive")]
    [InlineData("BZh91AY", "is a bzip2 archive")]
    public void Read_FormatThatIsNotRead_IsNamed(string content, string said) =>
        Assert.Contains(
            said,
            Assert.Throws<DatasetException>(() => Read("a.bin", Encoding.Latin1.GetBytes(content))).Message,
            StringComparison.Ordinal
        );

    public sealed class Line
    {
        public string text { get; set; } = "";
        public string label { get; set; } = "";
    }
}
