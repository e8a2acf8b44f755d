using System.Diagnostics;
using Pipeline.LocalHost.Tests.Hosting;

namespace Pipeline.LocalHost.Tests.Hostile;

/// <summary>
/// Files that are made to harm, given to <c>dataset build</c> as a person would: each is refused in words, or costs a
/// rejected row, within memory and time that are measured from outside.
/// </summary>
public sealed class HostileFileTests : IDisposable
{
    private const long MaxWorkingSet = 1L << 30;
    private static readonly TimeSpan MaxTime = TimeSpan.FromMinutes(2);
    private readonly string _folder = Directory.CreateTempSubdirectory("pipeline-hostile-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("crc.zip", 2, "Not read of 'crc.zip/rows.csv': its CRC-32 is not the one")]
    [InlineData("liesize.zip", 2, "Not read of 'liesize.zip/r.csv': it")]
    [InlineData("nest.json", 2, "None of the first 1 rows of 'nest.json' can be read")]
    [InlineData("rowref.xlsx", 2, "have 16,384 different columns, more than 4,096; limits.columns in project.yaml")]
    [InlineData("keys.jsonl", 0, "It can be trained on")]
    [InlineData("redosA20000.csv", 0, "too_long 1")]
    [InlineData("redosdot20000.csv", 0, "too_long 1")]
    public Task Small_file_ends_in_words(string name, int code, string words) =>
        EndsInWords(RepositoryFiles.At("tests", "Golden", "hostile", "data", name), null, code, words);

    [Theory]
    [Trait("Tier", "Slow")]
    [InlineData("cellbomb.xlsx", "", 2, "takes more than 768 megabytes of memory to read; limits.memoryMegabytes in")]
    [InlineData("hang633.parquet", "limits: { cpuSeconds: 5 }", 2, "takes more than 5 seconds to read; limits.cpuSec")]
    [InlineData("redosA20000.csv", "privacy: { mode: mask }", 0, "too_long 1")]
    [InlineData("redosdot20000.csv", "privacy: { mode: mask }", 0, "too_long 1")]
    public Task Costly_file_ends_in_words(string name, string yaml, int code, string words) =>
        EndsInWords(RepositoryFiles.At("tests", "Golden", "hostile", "data", name), yaml, code, words);

    [Theory]
    [Trait("Tier", "Slow")]
    [InlineData("a line of 2 GB.txt", 2, "the row is longer than 16 million characters; limits.rowMegabytes in")]
    [InlineData("a string of 1 GB.jsonl", 0, "121 rows read = 120 accepted")]
    [InlineData("an element of 40 MB.json", 0, "121 rows read = 120 accepted")]
    [InlineData(
        "one object of 80 MB.json",
        2,
        "is larger than 64 megabytes and one JSON object, which is read as a whol"
    )]
    [InlineData(
        "a million columns.csv",
        2,
        "the row has more than 4,096 columns; limits.columns in project.yaml raises"
    )]
    [InlineData("a row of a million cells.csv", 0, "121 rows read = 120 accepted")]
    [InlineData("a quotation mark that is never closed.csv", 0, "malformed 1")]
    [InlineData("20,000 different keys.jsonl", 0, "It can be trained on")]
    [InlineData("only different keys.jsonl", 2, "has no column that is plainly the label")]
    [InlineData("wide rows with different keys.jsonl", 2, "have 10,000 different columns, more than 4,096; limits.col")]
    [InlineData(
        "300,000 entries.zip",
        2,
        "holds more than 200,000 files; divide it, or limits.entries in project.yaml"
    )]
    [InlineData("a name of 900 MB.tar.gz", 2, "the header of a file in it is longer than 1,048,576 bytes")]
    [InlineData("33 million cells.xlsx", 2, "have 16,384 different columns, more than 4,096; limits.columns in proj")]
    [InlineData("33 million cells in fewer columns.xlsx", 2, "takes more than 10 seconds to read; limits.cpu")]
    [InlineData("a cell of 900 MB.xlsx", 2, "takes more than 768 megabytes of memory to read; limits.memoryMegabytes")]
    [InlineData("parts nested 10,000 deep.eml", 2, "the parts of the mail lie more than 64 deep in each other")]
    [InlineData("32 MB of nested messages.eml", 2, "the parts of the mail lie more than 64 deep in each other")]
    [InlineData("32 MB of parts side by side.eml", 2, "parts and headers; at most 10,000 are read")]
    public Task Large_file_ends_in_words(string kind, int code, string words)
    {
        string path = Path.Combine(_folder, kind);
        HostileFiles.Write(kind, path);
        string? yaml =
            kind.EndsWith(".txt", StringComparison.Ordinal) ? "task: text"
            : words.Contains("10 seconds", StringComparison.Ordinal) ? "limits: { cpuSeconds: 10 }"
            : null;
        return EndsInWords(path, yaml, code, words);
    }

    [Fact]
    public async Task Folder_WithLinksAndAPipe_IsReadWithoutThem()
    {
        Assert.SkipUnless(
            OperatingSystem.IsLinux(),
            "pipes and devices are made by mkfifo and /dev: run this test on Linux"
        );
        string secret = Path.Combine(_folder, "secret.csv");
        await File.WriteAllTextAsync(secret, "text,label\nsecret,x\n", TestContext.Current.CancellationToken);
        string folder = Directory.CreateDirectory(Path.Combine(_folder, "drop")).FullName;
        await File.WriteAllTextAsync(
            Path.Combine(folder, "rows.csv"),
            HostFixture.Rows(60),
            TestContext.Current.CancellationToken
        );
        Directory.CreateSymbolicLink(Path.Combine(folder, "itself"), folder);
        File.CreateSymbolicLink(Path.Combine(folder, "outside.csv"), secret);
        using (Process pipe = Process.Start("mkfifo", [Path.Combine(folder, "pipe.csv")]))
        {
            await pipe.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        string output = await EndsInWords(folder, null, 0, "60 rows read = 60 accepted");

        Assert.Contains("Not read of 'drop/itself': it is a link.", output, StringComparison.Ordinal);
        Assert.Contains("Not read of 'drop/outside.csv': it is a link.", output, StringComparison.Ordinal);
        Assert.Contains("Not read of 'drop/pipe.csv': it is a pipe.", output, StringComparison.Ordinal);
        await EndsInWords(Path.Combine(folder, "pipe.csv"), null, 2, "is a pipe; write what it gives into a file");
        await EndsInWords("/dev/zero", null, 2, "is a device; write what it gives into a file");
        await EndsInWords(Path.Combine(folder, "outside.csv"), null, 2, "1 rows read"); // it was named
    }

    private async Task<string> EndsInWords(string input, string? yaml, int code, string words)
    {
        List<string> arguments = ["dataset", "build", "--input", input, "--out", Path.Combine(_folder, "out")];
        if (yaml is not null)
        {
            string project = Path.Combine(_folder, "project.yaml");
            await File.WriteAllTextAsync(project, yaml, TestContext.Current.CancellationToken);
            arguments.AddRange(["--project", project]);
        }

        MeasuredRun run = await MeasuredRun.StartAsync("Pipeline.LocalHost.dll", arguments, MaxTime);

        Assert.True(
            run.Code == code && run.Output.Contains(words, StringComparison.Ordinal),
            $"exit code {run.Code}: {run.Output}"
        );
        Assert.InRange(run.PeakWorkingSet, 1, MaxWorkingSet);
        Assert.DoesNotContain("   at Pipeline.", run.Output, StringComparison.Ordinal);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{Path.GetFileName(input)}: {run.Time.TotalSeconds:0.0} s, {run.PeakWorkingSet >> 20} MiB"
        );
        return run.Output;
    }
}
