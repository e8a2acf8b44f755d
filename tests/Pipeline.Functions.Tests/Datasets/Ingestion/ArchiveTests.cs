using System.IO.Compression;
using System.Text;
using Pipeline.Datasets;
using Pipeline.Datasets.Ingestion.Rows;
using ZstdSharp;
using static Pipeline.Functions.Tests.Datasets.Ingestion.Packings;
using static Pipeline.Functions.Tests.Datasets.Ingestion.RawFiles;

namespace Pipeline.Functions.Tests.Datasets.Ingestion;

/// <summary>Every packing gives the rows of what is in it.</summary>
public sealed class ArchiveTests
{
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
        byte[] content = Utf8(rows);

        (List<RawRow> read, _) = Read("big.csv.gz", Gzip(content));

        Assert.Equal(60_000, read.Count);
        Assert.Equal("row number 59999 of many", read[^1].Fields["text"]);
        Assert.DoesNotContain(content.Length, UnpackedLengths());

        DirectoryInfo left = Directory.CreateTempSubdirectory("pipeline-unpacked-");
        File.WriteAllBytes(Path.Combine(left.FullName, "0"), content);
        Assert.Contains(content.Length, UnpackedLengths()); // so one that was left would have been seen
        left.Delete(recursive: true);
    }

    /// <summary>Lengths of the unpacked files in the temporary folder, where other tests unpack at the same time.</summary>
    private static List<long> UnpackedLengths()
    {
        List<long> lengths = [];
        foreach (string folder in Directory.GetDirectories(Path.GetTempPath(), "pipeline-unpacked-*"))
        {
            try
            {
                lengths.AddRange(Directory.EnumerateFiles(folder).Select(f => new FileInfo(f).Length));
            }
            catch (IOException)
            {
                // another test's, gone meanwhile
            }
        }

        return lengths;
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
    public void Read_HiddenFilesOfATar_ArePassedOver() =>
        AssertRows(
            Read(
                "a.tar",
                Tar(("./a.csv", Utf8(Csv)), ("./._a.csv", Utf8("resource fork")), (".notes.csv", Utf8("x,y\n1,2\n")))
            ).Rows
        );

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
    public void Read_FormatThatIsNotRead_IsNamed(string content, string reason) =>
        Assert.Contains(
            reason,
            Assert.Throws<DatasetException>(() => Read("a.bin", Encoding.Latin1.GetBytes(content))).Message,
            StringComparison.Ordinal
        );
}
