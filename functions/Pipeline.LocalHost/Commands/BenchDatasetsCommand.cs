using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Bogus;
using Pipeline.Contracts;
using Pipeline.Datasets.Building;
using Pipeline.Datasets.Ingestion.Rows;
using Pipeline.Functions.Datasets;
using Pipeline.LocalHost.Processes;
using Pipeline.Tokenization;
using Sylvan.Data.Csv;

namespace Pipeline.LocalHost.Commands;

/// <summary>
/// <c>bench datasets</c>: what building a dataset of many tweets costs, stage by stage, beside the bare parse of the
/// same file.
/// </summary>
internal static class BenchDatasetsCommand
{
    public static Command Create()
    {
        var rows = new Option<int>("--rows") { Description = "Synthetic tweets", DefaultValueFactory = _ => 1_000_000 };
        var words = new Option<int>("--words")
        {
            Description = "Words a text, on average; more than 40 make documents of it",
            DefaultValueFactory = _ => 16,
        };
        Option<string?> json = CommandOptions.Json();
        var command = new Command("datasets", "Measure building a dataset") { rows, words, json };
        command.SetAction(parsed =>
            Run(parsed.GetValue(rows), Math.Max(2, parsed.GetValue(words)), parsed.GetValue(json))
        );
        return command;
    }

    private static int Run(int rows, int words, string? json)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("pipeline-bench-datasets-");
        try
        {
            string csv = Path.Combine(folder.FullName, "tweets.csv");
            WriteTweets(csv, rows, words);
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{rows:N0} synthetic texts of {words} words on average, {new FileInfo(csv).Length / 1e6:0} MB "
                        + $"of CSV, {Environment.ProcessorCount} cores"
                )
            );
            // the base reads no more; longer texts are rejected like any other
            ProjectSettings settings = words <= 40 ? new() : new() { Validation = new() { MaxTokens = 512 } };
            (ChatEncoder encoder, string sha256) = new BaseCatalog(
                new BaseModelFolders(RepositoryLayout.Models)
            ).EncoderFor(settings);
            var request = new DatasetRequest
            {
                Project = "bench",
                Settings = settings,
                Files = [RawFile.FromPath(csv)],
                Encoder = encoder,
                TokenizerSha256 = sha256,
            };
            List<StageFigures> figures = [Measure("the bare parse", rows, () => Parse(csv))];
            DatasetBuild build = Build(request, rows, folder.FullName, figures);
            double seconds = figures.Skip(1).Sum(f => f.Seconds);
            figures.Add(new StageFigures("all of it", rows, seconds, rows / seconds, figures.Max(f => f.PeakBytes)));
            foreach (StageFigures stage in figures)
            {
                Console.WriteLine(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{stage.Stage, -38} {stage.Seconds, 8:0.0} s {stage.RowsPerSecond, 12:N0} rows/s   "
                            + $"{stage.PeakBytes / 1048576.0, 6:0} MiB resident at most"
                    )
                );
            }

            Console.WriteLine(
                $"{build.Manifest.Rows.Accepted:N0} accepted, {build.Manifest.Rows.Duplicates:N0} duplicates, "
                    + $"{build.Manifest.NearDuplicates.Rows:N0} rows in {build.Manifest.NearDuplicates.Clusters:N0} "
                    + $"clusters of near-duplicates; the audit {(build.Audit.Passed() ? "passes" : "is red")}."
            );
            if (json is not null)
            {
                File.WriteAllBytes(json, ContractJson.WriteUtf8(figures, indented: true));
            }

            return 0;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Builds the dataset, and adds what each stage of it took.</summary>
    private static DatasetBuild Build(DatasetRequest request, int rows, string folder, List<StageFigures> figures)
    {
        DatasetPlan? plan = null;
        figures.Add(Measure("plan", rows, () => plan = DatasetBuilder.Plan(request, long.MaxValue)));
        string part = Path.Combine(folder, "part");
        figures.Add(
            Measure(
                "validate every row",
                rows,
                () =>
                {
                    using FileStream output = File.Create(part);
                    DatasetBuilder.BuildPart(request, plan!, 0, output);
                }
            )
        );
        DatasetBuild? build = null;
        figures.Add(
            Measure(
                "near-duplicates, split, audit, files",
                rows,
                () =>
                {
                    using FileStream input = File.OpenRead(part);
                    build = DatasetBuilder.Assemble(request, plan!, [input], Path.Combine(folder, "dataset"));
                }
            )
        );
        return build!;
    }

    private static StageFigures Measure(string stage, int rows, Action work)
    {
        GC.Collect();
        using var process = Process.GetCurrentProcess();
        long peak = 0;
        using var done = new ManualResetEventSlim();
        var watch = new Thread(() =>
        {
            do
            {
                process.Refresh();
                peak = Math.Max(peak, process.WorkingSet64);
            } while (!done.Wait(50));
        });
        watch.Start();
        long started = Stopwatch.GetTimestamp();
        work();
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        done.Set();
        watch.Join();
        return new StageFigures(stage, rows, seconds, rows / seconds, peak);
    }

    private static void Parse(string csv)
    {
        using CsvDataReader reader = CsvDataReader.Create(csv);
        long characters = 0;
        while (reader.Read())
        {
            for (int i = 0; i < reader.FieldCount; i++)
            {
                characters += reader.GetString(i).Length;
            }
        }

        GC.KeepAlive(characters);
    }

    /// <summary>
    /// Tweets of half to one and a half as many words with names, tags and links; every 50th nearly repeats an earlier
    /// one, every 100th is one.
    /// </summary>
    private static void WriteTweets(string path, int rows, int mean)
    {
        var random = new Random(20261123);
        var faker = new Faker { Random = new Randomizer(7) };
        string[] words =
        [
            .. Enumerable
                .Range(0, 4000)
                .Select(_ => faker.Lorem.Word())
                .Concat(Enumerable.Range(0, 4000).Select(_ => faker.Hacker.Noun()))
                .Concat(Enumerable.Range(0, 4000).Select(_ => faker.Name.LastName()))
                .Concat(Enumerable.Range(0, 4000).Select(_ => faker.Commerce.Product()))
                .Distinct(),
        ];
        string[] labels = ["negative", "neutral", "positive"];
        var recent = new List<string>();
        using var writer = new StreamWriter(path);
        writer.Write("id,text,label\n");
        for (int i = 0; i < rows; i++)
        {
            string text = string.Join(
                ' ',
                Enumerable
                    .Range(0, random.Next(mean / 2, mean + (mean / 2) + 1))
                    .Select(_ => words[random.Next(words.Length)])
            );
            text =
                recent.Count > 100 && i % 50 == 7
                    ? recent[random.Next(recent.Count)] + (i % 100 == 7 ? " !!" : "")
                    : text;
            if (recent.Count < 1000)
            {
                recent.Add(text);
            }

            writer.Write(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{i},\"@user{random.Next(9999)} {text}, #{words[random.Next(words.Length)]} "
                        + $"https://t.co/{i:x}\",{labels[i % 3]}\n"
                )
            );
        }
    }
}

/// <summary>What a stage costs.</summary>
/// <param name="Stage">Its name.</param>
/// <param name="Rows">Rows it went through.</param>
/// <param name="Seconds">Wall time.</param>
/// <param name="RowsPerSecond">Rows a second.</param>
/// <param name="PeakBytes">The process's resident memory at most, looked at every 50 ms; pages of mapped files are in
/// it.</param>
internal sealed record StageFigures(string Stage, int Rows, double Seconds, double RowsPerSecond, long PeakBytes);
