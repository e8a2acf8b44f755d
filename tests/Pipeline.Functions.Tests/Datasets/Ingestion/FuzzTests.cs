using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using MiniExcelLibs;
using Parquet.Serialization;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Datasets.Building;
using Pipeline.Datasets.Configuration;
using Pipeline.Datasets.Ingestion.Rows;
using ZstdSharp;

namespace Pipeline.Functions.Tests.Datasets.Ingestion;

/// <summary>
/// Damaged files of every format: each becomes a dataset in which every row read is accounted for, or one error for
/// people. The seed is fixed; a failure names the mutation, which can be made again.
/// </summary>
public sealed class FuzzTests
{
    private const int Mutations = 10_000;
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Build_TenThousandDamagedFiles_NeitherCrashesNorHangsNorLosesARow()
    {
        (string Name, byte[] Bytes)[] seeds = await SeedsAsync();
        var random = new Random(20261123);
        int built = 0;
        for (int i = 0; i < Mutations; i++)
        {
            (string name, byte[] bytes) = seeds[i % seeds.Length];
            byte[] damaged = Mutate(bytes, random);
            Task<BuiltDataset?> work = Task.Run(() => Build(name, damaged, i), TestContext.Current.CancellationToken);
            Assert.True(
                await Task.WhenAny(work, Task.Delay(Longest, TestContext.Current.CancellationToken)) == work,
                $"mutation {i} of {name} hangs"
            );
            if (await work is { } build)
            {
                RowCounts rows = build.Manifest.Rows;
                Assert.True(
                    rows.Read == rows.Accepted + rows.Rejected + rows.Duplicates
                        && rows.Accepted == rows.Train + rows.Validation + rows.Test,
                    $"mutation {i} of {name}: {rows}"
                );
                Assert.Equal(
                    rows.Rejected + rows.Duplicates,
                    build.Text(BlobLayout.RejectedFile).Count(c => c == '\n')
                );
                if (name.StartsWith("long.", StringComparison.Ordinal))
                {
                    BuiltDataset? inParts = Build(name, damaged, i, partBytes: 1 + (i % 700)); // the same, to the byte
                    Assert.True(
                        inParts is not null
                            && build.Files.All(f => f.Value.AsSpan().SequenceEqual(inParts.Files[f.Key])),
                        $"mutation {i} of {name} differs in parts"
                    );
                }

                built++;
            }
        }

        Assert.True(built > Mutations / 4, $"only {built} of {Mutations} damaged files could still be read");
    }

    private static BuiltDataset? Build(string name, byte[] bytes, int mutation, long partBytes = long.MaxValue)
    {
        try
        {
            return BuiltDataset.Of(
                new DatasetRequest
                {
                    Project = "fuzz",
                    Settings = ProjectFile.Read(""),
                    Files = [new RawFile(name, bytes)],
                    Encoder = DemoDataset.Encoder,
                    TokenizerSha256 = "t",
                },
                partBytes
            );
        }
        catch (DatasetException)
        {
            return null;
        }
        catch (Exception fault)
        {
            throw new InvalidOperationException($"mutation {mutation} of {name}: {fault}", fault);
        }
    }

    private static byte[] Mutate(byte[] bytes, Random random)
    {
        List<byte> damaged = [.. bytes];
        for (int times = 1 + random.Next(4); times > 0; times--)
        {
            int at = random.Next(Math.Max(1, damaged.Count));
            switch (random.Next(6))
            {
                case 0 when damaged.Count > 0:
                    damaged[at] = (byte)random.Next(256);
                    break;
                case 1 when damaged.Count > 1:
                    damaged.RemoveRange(at, Math.Min(1 + random.Next(40), damaged.Count - at));
                    break;
                case 2:
                    byte[] noise = new byte[1 + random.Next(20)];
                    random.NextBytes(noise);
                    damaged.InsertRange(at, noise);
                    break;
                case 3 when damaged.Count > 1:
                    damaged.RemoveRange(at, damaged.Count - at); // cut off
                    break;
                case 4:
                    damaged.InsertRange(
                        at,
                        Encoding.UTF8.GetBytes(
                            ((string[])["\"", "\n", ",", "\t", "{", "]", "\\u", "\0", "\r", "[INST]", "null"])[
                                random.Next(11)
                            ]
                        )
                    );
                    break;
                case 5 when damaged.Count > 1:
                    int length = Math.Min(1 + random.Next(60), damaged.Count - at);
                    damaged.InsertRange(random.Next(damaged.Count), damaged.GetRange(at, length)); // twice
                    break;
            }
        }

        return [.. damaged];
    }

    private static async Task<(string Name, byte[] Bytes)[]> SeedsAsync()
    {
        byte[] csv = Encoding.UTF8.GetBytes(
            "text,label\n"
                + string.Concat(
                    Enumerable.Range(0, 12).Select(i => $"\"text {i}, grüße\",{(i % 2 == 0 ? "a" : "b")}\n")
                )
        );
        LabelledText[] lines =
        [
            .. Enumerable
                .Range(0, 12)
                .Select(i => new LabelledText { text = $"text {i}", label = i % 2 == 0 ? "a" : "b" }),
        ];
        using var parquet = new MemoryStream();
        await ParquetSerializer.SerializeAsync(
            lines,
            parquet,
            cancellationToken: TestContext.Current.CancellationToken
        );
        using var sheet = new MemoryStream();
        sheet.SaveAs(lines);
        using var gzip = new MemoryStream();
        using (var stream = new GZipStream(gzip, CompressionLevel.Fastest, leaveOpen: true))
        {
            stream.Write(csv);
        }

        using var zstd = new MemoryStream();
        using (var stream = new CompressionStream(zstd, leaveOpen: true))
        {
            stream.Write(csv);
        }

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

        string messages = string.Join(
            ",\n",
            Enumerable
                .Range(0, 6)
                .Select(i =>
                    $$"""{"messages": [{"role": "user", "content": "ask {{i}}"}, {"role": "assistant", "content": "say {{i}} \\u00e9"}], "label": {{(i % 3 > 0 ? "true" : "false")}}}"""
                )
        );
        string spans = string.Join(
            "\n",
            Enumerable
                .Range(0, 6)
                .Select(i =>
                    $$"""{"text": "Ada 😀 went to Rome {{i}}", "spans": [{"start": 0, "end": 3, "label": "NAME"}, {"start_position": 14, "end_position": 18, "entity_type": "CITY"}]}"""
                )
        );
        return
        [
            (
                "long.csv",
                Encoding.UTF8.GetBytes(
                    "id,text,label\n"
                        + string.Concat(
                            Enumerable
                                .Range(0, 64)
                                .Select(i =>
                                    $"{i},\"row {i},\r\nof \"\"two\"\" lines\",{(i % 3 == 0 ? "a" : "b")}\r\n{(i % 9 == 0 ? "\r\n" : "")}"
                                )
                        )
                )
            ),
            (
                "long.tsv",
                Encoding.UTF8.GetBytes(
                    string.Concat(
                        Enumerable
                            .Range(0, 64)
                            .Select(i => $"{i}\t{(i % 3 == 0 ? "good" : "bad")}\tA \"text {i} with ü.\n")
                    )
                )
            ),
            (
                "long.jsonl",
                Encoding.UTF8.GetBytes(
                    string.Concat(
                        Enumerable
                            .Range(0, 60)
                            .Select(i =>
                                $$"""{"text": "row {{i}} é", "label": "{{(i % 3 == 0 ? "a" : "b")}}"}""" + "\n"
                            )
                    )
                )
            ),
            ("a.csv", csv),
            (
                "utf16.csv",
                [.. Encoding.Unicode.GetPreamble(), .. Encoding.Unicode.GetBytes(Encoding.UTF8.GetString(csv))]
            ),
            ("latin.csv", Encoding.Latin1.GetBytes(Encoding.UTF8.GetString(csv))),
            (
                "a.tsv",
                Encoding.UTF8.GetBytes(
                    "1\tgood\tI like it.\n2\tbad\tI do not.\n3\tgood\tFine!\n4\tbad\tNo.\n5\tgood\tYes.\n6\tbad\tNever.\n"
                )
            ),
            ("a.json", Encoding.UTF8.GetBytes($"[{messages}]")),
            ("one.json", Encoding.UTF8.GetBytes($"{{\n\"data\": [{messages}]\n}}")),
            ("a.jsonl", Encoding.UTF8.GetBytes(spans)),
            (
                "dpo.json",
                Encoding.UTF8.GetBytes(
                    """[{"prompt": "Hi", "chosen": "Hello", "rejected": "Go"}, {"prompt": "Yo", "chosen": [{"role": "assistant", "content": "A"}], "rejected": ""}]"""
                )
            ),
            (
                "llama.jsonl",
                Encoding.UTF8.GetBytes(
                    string.Concat(
                        Enumerable
                            .Range(0, 5)
                            .Select(i =>
                                $$"""{"text": "<s>[INST] <<SYS>>\\nBe kind.\\n<</SYS>>\\n\\nHi {{i}} [/INST] Hello </s>"}"""
                                + "\n"
                            )
                    )
                )
            ),
            (
                "a.conll",
                Encoding.UTF8.GetBytes(
                    string.Concat(Enumerable.Repeat("Ada NNP B-PER\nlives VBZ O\nin IN O\nRome NNP B-LOC\n\n", 6))
                )
            ),
            (
                "trec.txt",
                Encoding.UTF8.GetBytes(
                    string.Concat(
                        Enumerable
                            .Range(0, 15)
                            .Select(i => i % 2 == 0 ? $"NUM:dist How far {i} ?\n" : $"LOC:city Which city {i} ?\n")
                    )
                )
            ),
            ("a.parquet", parquet.ToArray()),
            ("a.xlsx", sheet.ToArray()),
            ("a.csv.gz", gzip.ToArray()),
            ("a.csv.zst", zstd.ToArray()),
            ("a.zip", zip.ToArray()),
            ("a.tar", tar.ToArray()),
        ];
    }
}
