using System.Diagnostics;
using System.Text;
using CsCheck;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Datasets.Configuration;
using Pipeline.Datasets.Ingestion;
using Pipeline.Datasets.Ingestion.Rows;
using Pipeline.Tokenization.Tokenizers;

namespace Pipeline.Functions.Tests.Datasets.Ingestion;

/// <summary>
/// Each reader on damaged forms of a file of its kind: it is read, its rows are rejected, or it is refused in words,
/// within the time and the memory that it may take. More of them: <c>FUZZ_MUTATIONS=20000 dotnet test … --filter
/// ReaderFuzz</c>. A failure prints the seed, by which the damaged file is made again.
/// </summary>
public sealed class ReaderFuzzTests
{
    private const long MaxWorkingSet = 1L << 30;
    private static readonly TimeSpan MaxTime = TimeSpan.FromSeconds(20);
    private static readonly LimitSettings Limits = new() { CpuSeconds = 10, MemoryMegabytes = 256 };

    [Theory]
    [Trait("Tier", "Slow")]
    [InlineData("a.csv")]
    [InlineData("utf16.csv")]
    [InlineData("a.tsv")]
    [InlineData("a.json")]
    [InlineData("one.json")]
    [InlineData("a.jsonl")]
    [InlineData("a.conll")]
    [InlineData("trec.txt")]
    [InlineData("a.xlsx")]
    [InlineData("a.parquet")]
    [InlineData("a.zip")]
    [InlineData("a.tar")]
    [InlineData("a.csv.gz")]
    [InlineData("a.csv.zst")]
    [InlineData("a.eml")]
    [InlineData("a.mbox")]
    public async Task Rows_OfADamagedFile_AreReadOrRefused(string name)
    {
        (string Name, byte[] Bytes)[] seeds =
        [
            .. await FuzzSeeds.CreateAsync(TestContext.Current.CancellationToken),
            .. Mails(),
        ];
        byte[] seed = seeds.First(s => s.Name == name).Bytes;
        int read = 0;
        Mutation
            .Damaged(seed)
            .Sample(
                bytes =>
                {
                    Interlocked.Add(ref read, Read(name, bytes) ? 1 : 0);
                },
                iter: Mutation.Count
            );

        Report(name, read);
    }

    [Fact]
    [Trait("Tier", "Slow")]
    public void Settings_OfADamagedProject_AreReadOrRefused()
    {
        byte[] seed = Encoding.UTF8.GetBytes(
            "task: classification\nlabels: [&x { name: a, aliases: [b, c] }, d]\nsplit: { test: 0.2, seed: 3 }\n"
                + "training:\n  r: 4\n  targets: [q_proj]\n# end\n"
        );
        int read = 0;
        Mutation
            .Damaged(seed)
            .Sample(
                bytes =>
                    Interlocked.Add(ref read, Within(() => ProjectFile.Read(Encoding.UTF8.GetString(bytes))) ? 1 : 0),
                iter: Mutation.Count
            );

        Report("project.yaml", read);
    }

    [Fact]
    [Trait("Tier", "Slow")]
    public void Tokenizer_ThatIsDamaged_IsReadOrRefused()
    {
        byte[] seed = File.ReadAllBytes(
            RepositoryFiles.At("gpu-worker", "models", "tiny-llama-chat", "tokenizer.json")
        );
        string path = Path.Combine(Directory.CreateTempSubdirectory("pipeline-fuzz-").FullName, "tokenizer.json");
        int read = 0;
        try
        {
            Mutation
                .Damaged(seed)
                .Sample(
                    bytes =>
                    {
                        File.WriteAllBytes(path, bytes);
                        read += Within(() => Tokenizer.FromFile(path).Encode("Hello, world")) ? 1 : 0;
                    },
                    iter: Mutation.Count,
                    threads: 1
                );
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
        }

        Report("tokenizer.json", read);
    }

    [Fact]
    [Trait("Tier", "Slow")]
    public void Message_ThatIsDamaged_IsReadOrRefused()
    {
        byte[][] seeds =
        [
            ContractJson.WriteUtf8(new TrainingRequest("tweets-0123456789-abcdef", "attempt")),
            ContractJson.WriteUtf8(
                new TrainingResult("tweets-0123456789-abcdef", "attempt", false, false, "no memory")
            ),
        ];
        int read = 0;
        foreach (byte[] seed in seeds)
        {
            Mutation
                .Damaged(seed)
                .Sample(
                    bytes => Interlocked.Add(ref read, Within(() => ContractJson.Read<TrainingRequest>(bytes)) ? 1 : 0),
                    iter: Mutation.Count
                );
        }

        Report("messages", read);
    }

    private static bool Read(string name, byte[] bytes) =>
        Within(() =>
        {
            using var reader = new RawReader(
                plainTexts: name.EndsWith(".txt", StringComparison.Ordinal),
                limits: Limits
            );
            foreach (RawRow row in reader.Read(new RawFile(name, bytes)))
            {
                Assert.Equal(row.Fields.Count, row.Fields.Keys.Distinct(StringComparer.Ordinal).Count());
            }
        });

    /// <summary>Runs a reader; what it refuses it must refuse in words.</summary>
    /// <returns>Whether it read.</returns>
    private static bool Within(Action read)
    {
        long started = Stopwatch.GetTimestamp();
        bool isRead = false;
        try
        {
            read();
            isRead = true;
        }
        catch (Exception fault)
            when (fault is DatasetException or InvalidDataException or System.Text.Json.JsonException)
        {
            Assert.NotEmpty(fault.Message);
        }

        TimeSpan taken = Stopwatch.GetElapsedTime(started);
        Assert.True(taken < MaxTime, $"it took {taken}");
        return isRead;
    }

    private static void Report(string name, int read)
    {
        using var own = Process.GetCurrentProcess();
        Assert.InRange(own.PeakWorkingSet64, 1, MaxWorkingSet);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{name}: {Mutation.Count} mutations, {read} read; peak {own.PeakWorkingSet64 >> 20} MiB"
        );
    }

    private static IEnumerable<(string Name, byte[] Bytes)> Mails()
    {
        const string Mail =
            "From: a@example.com\r\nTo: b@example.com\r\nSubject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\r\nMIME-Version: 1.0\r\n"
            + "Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n"
            + "Content-Transfer-Encoding: quoted-printable\r\n\r\nhello =C3=BC\r\n--b\r\n"
            + "Content-Type: text/html\r\n\r\n<p>hello</p>\r\n--b\r\n"
            + "Content-Type: message/rfc822\r\n\r\nFrom: c@example.com\r\nSubject: x\r\n\r\ny\r\n--b--\r\n";
        string mbox = string.Concat(
            Enumerable.Range(0, 3).Select(_ => $"From a@example.com Mon Jan  1 00:00:00 2024\r\n{Mail}\r\n")
        );
        return [("a.eml", Encoding.UTF8.GetBytes(Mail)), ("a.mbox", Encoding.UTF8.GetBytes(mbox))];
    }
}
