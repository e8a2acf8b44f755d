using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using MiniExcelLibs;
using Parquet.Serialization;
using ZstdSharp;

namespace Pipeline.Functions.Tests.Datasets.Ingestion;

/// <summary>One small intact file of every format, to be damaged. Their order is part of what a mutation is.</summary>
internal static class FuzzSeeds
{
    private static readonly byte[] Csv = Encoding.UTF8.GetBytes(
        "text,label\n" + Repeat(12, i => $"\"text {i}, grüße\",{(i % 2 == 0 ? "a" : "b")}\n")
    );

    public static async Task<(string Name, byte[] Bytes)[]> CreateAsync(CancellationToken cancellation) =>
        [
            .. LongFiles(),
            .. Tables(),
            .. JsonFiles(),
            .. AnnotatedTexts(),
            .. await ColumnFilesAsync(cancellation),
            .. CompressedFiles(),
            .. Archives(),
        ];

    /// <summary>Long enough to be read in parts.</summary>
    private static IEnumerable<(string Name, byte[] Bytes)> LongFiles() =>
        [
            (
                "long.csv",
                Encoding.UTF8.GetBytes(
                    "id,text,label\n"
                        + Repeat(
                            64,
                            i =>
                                $"{i},\"row {i},\r\nof \"\"two\"\" lines\",{(i % 3 == 0 ? "a" : "b")}\r\n"
                                + (i % 9 == 0 ? "\r\n" : "")
                        )
                )
            ),
            (
                "long.tsv",
                Encoding.UTF8.GetBytes(Repeat(64, i => $"{i}\t{(i % 3 == 0 ? "good" : "bad")}\tA \"text {i} with ü.\n"))
            ),
            (
                "long.jsonl",
                Encoding.UTF8.GetBytes(
                    Repeat(60, i => $$"""{"text": "row {{i}} é", "label": "{{(i % 3 == 0 ? "a" : "b")}}"}""" + "\n")
                )
            ),
        ];

    private static IEnumerable<(string Name, byte[] Bytes)> Tables() =>
        [
            ("a.csv", Csv),
            (
                "utf16.csv",
                [.. Encoding.Unicode.GetPreamble(), .. Encoding.Unicode.GetBytes(Encoding.UTF8.GetString(Csv))]
            ),
            ("latin.csv", Encoding.Latin1.GetBytes(Encoding.UTF8.GetString(Csv))),
            (
                "a.tsv",
                Encoding.UTF8.GetBytes(
                    "1\tgood\tI like it.\n2\tbad\tI do not.\n3\tgood\tFine!\n"
                        + "4\tbad\tNo.\n5\tgood\tYes.\n6\tbad\tNever.\n"
                )
            ),
        ];

    private static IEnumerable<(string Name, byte[] Bytes)> JsonFiles()
    {
        string messages = string.Join(",\n", Enumerable.Range(0, 6).Select(Dialogue));
        return
        [
            ("a.json", Encoding.UTF8.GetBytes($"[{messages}]")),
            ("one.json", Encoding.UTF8.GetBytes($"{{\n\"data\": [{messages}]\n}}")),
            ("a.jsonl", Encoding.UTF8.GetBytes(string.Join("\n", Enumerable.Range(0, 6).Select(SpanAnnotation)))),
            (
                "dpo.json",
                Encoding.UTF8.GetBytes(
                    """[{"prompt": "Hi", "chosen": "Hello", "rejected": "Go"}, """
                        + """{"prompt": "Yo", "chosen": [{"role": "assistant", "content": "A"}], "rejected": ""}]"""
                )
            ),
            (
                "llama.jsonl",
                Encoding.UTF8.GetBytes(
                    Repeat(
                        5,
                        i =>
                            $$"""{"text": "<s>[INST] <<SYS>>\\nBe kind.\\n<</SYS>>\\n\\nHi {{i}} [/INST] Hello </s>"}"""
                            + "\n"
                    )
                )
            ),
        ];
    }

    private static string Dialogue(int i) =>
        $$"""{"messages": [{"role": "user", "content": "ask {{i}}"}, """
        + $$"""{"role": "assistant", "content": "say {{i}} \\u00e9"}], "label": {{(i % 3 > 0 ? "true" : "false")}}}""";

    private static string SpanAnnotation(int i) =>
        $$"""{"text": "Ada 😀 went to Rome {{i}}", "spans": [{"start": 0, "end": 3, "label": "NAME"}, """
        + """{"start_position": 14, "end_position": 18, "entity_type": "CITY"}]}""";

    private static IEnumerable<(string Name, byte[] Bytes)> AnnotatedTexts() =>
        [
            (
                "a.conll",
                Encoding.UTF8.GetBytes(Repeat(6, _ => "Ada NNP B-PER\nlives VBZ O\nin IN O\nRome NNP B-LOC\n\n"))
            ),
            (
                "trec.txt",
                Encoding.UTF8.GetBytes(
                    Repeat(15, i => i % 2 == 0 ? $"NUM:dist How far {i} ?\n" : $"LOC:city Which city {i} ?\n")
                )
            ),
        ];

    private static async Task<(string Name, byte[] Bytes)[]> ColumnFilesAsync(CancellationToken cancellation)
    {
        LabelledText[] lines =
        [
            .. Enumerable
                .Range(0, 12)
                .Select(i => new LabelledText { text = $"text {i}", label = i % 2 == 0 ? "a" : "b" }),
        ];
        using var parquet = new MemoryStream();
        await ParquetSerializer.SerializeAsync(lines, parquet, cancellationToken: cancellation);
        using var sheet = new MemoryStream();
        sheet.SaveAs(lines);
        return [("a.parquet", parquet.ToArray()), ("a.xlsx", sheet.ToArray())];
    }

    private static IEnumerable<(string Name, byte[] Bytes)> CompressedFiles()
    {
        using var gzip = new MemoryStream();
        using (var stream = new GZipStream(gzip, CompressionLevel.Fastest, leaveOpen: true))
        {
            stream.Write(Csv);
        }

        using var zstd = new MemoryStream();
        using (var stream = new CompressionStream(zstd, leaveOpen: true))
        {
            stream.Write(Csv);
        }

        return [("a.csv.gz", gzip.ToArray()), ("a.csv.zst", zstd.ToArray())];
    }

    private static IEnumerable<(string Name, byte[] Bytes)> Archives()
    {
        using var zip = new MemoryStream();
        using (var archive = new ZipArchive(zip, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (
                (string file, string content) in ((string, string)[])
                    [
                        ("x/val_text.txt", "one\ntwo\nthree\n"),
                        ("x/val_labels.txt", "0\n1\n0\n"),
                        ("x/mapping.txt", "0 no\n1 yes\n"),
                    ]
            )
            {
                using Stream entry = archive.CreateEntry(file).Open();
                entry.Write(Encoding.UTF8.GetBytes(content));
            }
        }

        using var tar = new MemoryStream();
        using (var writer = new TarWriter(tar, leaveOpen: true))
        {
            foreach (string file in (string[])["spam/1.txt", "spam/2.txt", "ham/1.txt", "ham/2.txt"])
            {
                writer.WriteEntry(
                    new PaxTarEntry(TarEntryType.RegularFile, file)
                    {
                        DataStream = new MemoryStream(
                            Encoding.UTF8.GetBytes($"Subject: {file}\nFrom: a@x.org\n\nbody of {file}")
                        ),
                    }
                );
            }
        }

        return [("a.zip", zip.ToArray()), ("a.tar", tar.ToArray())];
    }

    private static string Repeat(int count, Func<int, string> row) =>
        string.Concat(Enumerable.Range(0, count).Select(row));
}
