using System.Diagnostics;
using System.Globalization;
using Pipeline.Contracts;
using Pipeline.Storage;
using Spectre.Console;
using static Pipeline.Reporting.Pages.Figures;

namespace Pipeline.LocalHost.Commands;

/// <summary>A run's end: copies of what it made, the table base | tuned, and where everything lies.</summary>
internal static class RunSummary
{
    /// <summary>Gathers the result and copies adapter and dataset into a folder.</summary>
    public static async Task<RunResult> GatherAsync(
        PipelineStorage storage,
        RunRecord run,
        double datasetSeconds,
        string folder,
        long hostPeakBytes,
        CancellationToken cancellation
    )
    {
        DatasetManifest? manifest = string.IsNullOrEmpty(run.DatasetId)
            ? null
            : await storage.Files.ReadJsonAsync<DatasetManifest>(
                BlobLayout.Dataset(run.DatasetId, BlobLayout.ManifestFile),
                cancellation
            );
        var result = new RunResult
        {
            RunId = run.RunId,
            State = run.State,
            Error = run.Error,
            DatasetId = run.DatasetId,
            Rows = manifest?.Rows,
            Folder = folder,
        };
        if (manifest is not null)
        {
            await storage.Files.DownloadAsync(
                BlobLayout.DatasetsContainer,
                BlobLayout.DatasetPrefix(run.DatasetId!),
                Path.Combine(folder, "dataset"),
                cancellation
            );
        }

        if (run is not { State: RunState.Completed, Version: { } version })
        {
            return result;
        }

        RunResult tuned = await WithAdapterAsync(result, storage, run, version, cancellation);
        return tuned with
        {
            SecondsPerStage = new Dictionary<string, double>(tuned.SecondsPerStage!)
            {
                ["dataset"] = Math.Round(datasetSeconds, 3),
            },
            PeakMemoryBytes = hostPeakBytes + tuned.PeakMemoryBytes,
        };
    }

    /// <summary>Copies the adapter, and adds what its evaluation says; seconds and memory are the training's.</summary>
    private static async Task<RunResult> WithAdapterAsync(
        RunResult result,
        PipelineStorage storage,
        RunRecord run,
        int version,
        CancellationToken cancellation
    )
    {
        await storage.Files.DownloadAsync(
            BlobLayout.AdaptersContainer,
            BlobLayout.AdapterPrefix(run.Project, version),
            Path.Combine(result.Folder!, "adapter"),
            cancellation
        );
        EvaluationReport evaluation = (
            await storage.Files.ReadJsonAsync<EvaluationReport>(
                BlobLayout.Adapter(run.Project, version, BlobLayout.EvaluationFile),
                cancellation
            )
        )!;
        return result with
        {
            ScoreName = evaluation.ScoreName,
            Base = ScoreFrom(evaluation.BaseScore),
            Tuned = ScoreFrom(evaluation.TunedScore),
            Difference = evaluation.Difference,
            Baselines = evaluation.Baselines,
            Adapter = $"{BlobLayout.AdaptersContainer}/{run.Adapter}",
            Promotion = run.Promotion,
            SecondsPerStage = evaluation.Training!.SecondsPerStage,
            TokensPerSecond = evaluation.Training.TokensPerSecond,
            PeakMemoryBytes = evaluation.Training.PeakMemoryBytes,
        };
    }

    /// <summary>Peak resident memory of this process and others.</summary>
    public static long PeakBytes(params int[] processIds)
    {
        long sum = 0;
        foreach (int id in processIds.Append(Environment.ProcessId))
        {
            using Process process = Process.GetProcessById(id);
            sum += process.PeakWorkingSet64;
        }

        return sum;
    }

    /// <summary>Prints the result.</summary>
    public static void Print(IAnsiConsole console, RunResult result)
    {
        if (result.Rows is { } rows)
        {
            WriteLine(
                console,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Rows: {rows.Read} read = {rows.Accepted} accepted + {rows.Rejected} rejected + "
                        + $"{rows.Duplicates} duplicates; {rows.Train} to train, {rows.Validation} to validate, "
                        + $"{rows.Test} held out"
                )
            );
        }

        if (result.State != RunState.Completed)
        {
            console.MarkupLineInterpolated(
                $"[red]Run {result.RunId} has {result.State.Name()}:[/] {result.Error ?? "no reason was kept"}"
            );
            return;
        }

        console.Write(Scores(result));
        PairedDifference difference = result.Difference!;
        WriteLine(
            console,
            string.Create(
                CultureInfo.InvariantCulture,
                $"Tuned minus base: {WithSign(difference.Mean)} points, paired 95 % interval "
                    + $"{Points(difference.Interval)}; "
                    + $"{difference.Won} rows won, {difference.Lost} lost"
            )
        );
        foreach ((Baseline kind, BaselineScore score) in result.Baselines!)
        {
            console.MarkupLineInterpolated(
                CultureInfo.InvariantCulture,
                $"Without a language model, {kind.Name()}: {Percent(score.Accuracy)}, macro-F1 {score.MacroF1:0.000}"
            );
        }

        console.MarkupLineInterpolated($"{result.Promotion}");
        long? memory = result.PeakMemoryBytes / 1048576;
        string seconds = string.Join(
            ", ",
            result.SecondsPerStage!.Select(s => string.Create(CultureInfo.InvariantCulture, $"{s.Key} {s.Value:0.0}"))
        );
        console.MarkupLineInterpolated(
            CultureInfo.InvariantCulture,
            $"Run {result.RunId}: {result.TokensPerSecond:0} tokens/s, peak memory {memory} MiB, seconds {seconds}"
        );
        console.MarkupLineInterpolated($"In storage: {result.Adapter}");
        console.WriteLine($"Adapter:  {Path.Combine(result.Folder!, "adapter")}");
        console.WriteLine($"Report:   {Path.Combine(result.Folder!, "adapter", BlobLayout.ReportFile)}");
        console.WriteLine($"Dataset:  {Path.Combine(result.Folder!, "dataset")}");
    }

    private static Table Scores(RunResult result)
    {
        var table = new Table().AddColumn("on the held-out rows").AddColumn("base").AddColumn("tuned");
        table.AddRow(result.ScoreName!, Percent(result.Base!.Value), Percent(result.Tuned!.Value));
        table.AddRow("95 % interval", Range(result.Base.Interval), Range(result.Tuned.Interval));
        if (result.Base.MacroF1 is { } baseF1 && result.Tuned.MacroF1 is { } tunedF1)
        {
            table.AddRow(
                "macro-F1",
                baseF1.ToString("0.000", CultureInfo.InvariantCulture),
                tunedF1.ToString("0.000", CultureInfo.InvariantCulture)
            );
        }

        return table;
    }

    private static void WriteLine(IAnsiConsole console, string text) => console.MarkupLine(text.EscapeMarkup());

    private static Score ScoreFrom(ModelScore score) => new(score.Accuracy, score.MacroF1, score.Interval, score.Score);

    private static string Range(Interval interval) => $"{Percent(interval.Low)} to {Percent(interval.High)}";
}
