using System.CommandLine;
using System.Globalization;
using System.Text.Json.Serialization;
using Pipeline.Contracts;
using Pipeline.Datasets.Building;
using Pipeline.LocalHost.Processes;
using Pipeline.Reporting.Statistics;
using Pipeline.Tokenization;

namespace Pipeline.LocalHost.Commands;

/// <summary>
/// <c>ablation</c>: the same training with and without the synthetic rows, both evaluated on the same held-out rows. It
/// says whether synthetic rows pay.
/// </summary>
internal static class AblationCommand
{
    public static Command Create()
    {
        var project = new Option<string>("--project")
        {
            Required = true,
            Description = "project.yaml with a synthesis section",
        };
        var input = new Option<string>("--input") { Required = true, Description = "The raw file" };
        var output = new Option<string>("--out")
        {
            Required = true,
            Description = "Folder that will hold both datasets and both adapters",
        };
        var answers = new Option<string>("--answers")
        {
            Description = "Folder in which a language model's answers are kept",
            DefaultValueFactory = _ => Path.Combine(".data", "answers"),
        };
        Option<string?> json = CommandOptions.Json();
        var command = new Command("ablation", "Train with and without the synthetic rows, and compare")
        {
            project,
            input,
            output,
            answers,
            json,
        };
        command.SetAction(
            (parsed, cancellation) =>
                RunAsync(
                    parsed.GetRequiredValue(project),
                    parsed.GetRequiredValue(input),
                    parsed.GetRequiredValue(output),
                    parsed.GetRequiredValue(answers),
                    parsed.GetValue(json),
                    cancellation
                )
        );
        return command;
    }

    private static async Task<int> RunAsync(
        string project,
        string input,
        string output,
        string answers,
        string? json,
        CancellationToken cancellation
    )
    {
        DatasetRequest request = DatasetCommand.Request(project, input);
        Require(request, project, output);
        (DatasetBuild without, DatasetBuild with) = await BuildAsync(request, output, answers, cancellation);
        foreach (string note in with.Manifest.Notes.Except(without.Manifest.Notes))
        {
            Console.WriteLine(note);
        }

        EvaluationReport first = await TrainAsync(without, Path.Combine(output, "without"), cancellation);
        EvaluationReport second = await TrainAsync(with, Path.Combine(output, "with"), cancellation);
        Ablation ablation = Compare(
            without.Manifest,
            with.Manifest,
            first,
            second,
            request.Settings.Evaluation.BootstrapSamples
        );
        Console.WriteLine(Verdict(ablation));
        if (json is not null)
        {
            await File.WriteAllBytesAsync(json, ContractJson.WriteUtf8(ablation, indented: true), cancellation);
        }

        return 0;
    }

    private static void Require(DatasetRequest request, string project, string output)
    {
        if (!request.Settings.Synthesis.IsRequested)
        {
            throw new HostException(
                $"'{project}' asks for no rows to be made: give it a synthesis section with templates or a model."
            );
        }

        if (Directory.Exists(output) && Directory.EnumerateFileSystemEntries(output).Any())
        {
            throw new HostException($"'{output}' is not empty; give a folder that is, so that nothing is replaced.");
        }
    }

    private static async Task<(DatasetBuild Without, DatasetBuild With)> BuildAsync(
        DatasetRequest request,
        string output,
        string answers,
        CancellationToken cancellation
    )
    {
        DatasetBuild without = DatasetBuilder.Build(
            request with
            {
                Settings = request.Settings with { Synthesis = new SynthesisSettings() },
            },
            Path.Combine(output, "without", "dataset")
        );
        DatasetBuild with = await DatasetBuilder.BuildAsync(
            request,
            Path.Combine(output, "with", "dataset"),
            DatasetCommand.Synthesis(request.Settings, answers),
            cancellation
        );
        return (without.Fault ?? with.Fault) is { } fault ? throw fault : (without, with);
    }

    private static Ablation Compare(
        DatasetManifest without,
        DatasetManifest with,
        EvaluationReport first,
        EvaluationReport second,
        int samples
    )
    {
        Dictionary<string, RowOutcome> known = first.Outcomes.ToDictionary(o => o.Id, StringComparer.Ordinal);
        List<(double Without, double With)> scores =
        [
            .. second
                .Outcomes.Where(o => known.ContainsKey(o.Id))
                .Select(o => (known[o.Id].TunedScore ?? 0, o.TunedScore ?? 0)),
        ];
        return new Ablation(
            first.ScoreName,
            scores.Count,
            without.Rows.Train,
            with.Rows.Train,
            with.Synthesis.Sum(s => s.Learned),
            first.BaseScore.Score,
            first.TunedScore.Score,
            second.TunedScore.Score,
            PairedComparison.Compare(
                [.. scores.Select(s => s.Without)],
                (IReadOnlyList<double>)[.. scores.Select(s => s.With)],
                samples
            )
        );
    }

    private static string Verdict(Ablation a)
    {
        PairedDifference d = a.Difference;
        string verdict =
            d.Interval.Low > 0 ? "the synthetic rows help"
            : d.Interval.High < 0 ? "the synthetic rows harm"
            : "no difference is proven";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{a.ScoreName} on the same {a.Requested} held-out rows: base {100 * a.Base:0.0} %, without synthetic rows "
                + $"{100 * a.Without:0.0} % ({a.RowsWithout} training rows), with {a.Made} synthetic rows "
                + $"{100 * a.With:0.0} % ({a.RowsWith}).\n"
                + $"Difference {100 * d.Mean:+0.0;-0.0;0.0} points (95 % interval "
                + $"{100 * d.Interval.Low:+0.0;-0.0;0.0} to {100 * d.Interval.High:+0.0;-0.0;0.0}), "
                + $"p = {d.McNemarP:0.000}: {verdict}."
        );
    }

    private static async Task<EvaluationReport> TrainAsync(
        DatasetBuild build,
        string folder,
        CancellationToken cancellation
    )
    {
        string models = Environment.GetEnvironmentVariable("PIPELINE_MODELS") is { Length: > 0 } named
            ? named
            : RepositoryLayout.Models;
        string adapter = Path.Combine(folder, "adapter");
        string assembly = RepositoryLayout.Worker();
        Console.WriteLine($"Training on {build.Manifest.Rows.Train} rows of {build.Folder}");
        string last = "";
        await using ChildProcess worker = ChildProcess.Start(
            "dotnet",
            [
                "exec",
                assembly,
                "train",
                "--base",
                new BaseModelFolders(models).Find(build.Manifest.Base),
                "--dataset",
                Path.GetFullPath(build.Folder),
                "--out",
                Path.GetFullPath(adapter),
            ],
            Path.GetDirectoryName(assembly)!,
            ChildVariables.ForWorker(new Dictionary<string, string>()),
            line => last = line
        );
        await worker.WaitForExitAsync(cancellation);
        return worker.ExitCode == 0
            ? ContractJson.Read<EvaluationReport>(
                await File.ReadAllBytesAsync(Path.Combine(adapter, BlobLayout.EvaluationFile), cancellation)
            )
            : throw new HostException($"The training on '{build.Folder}' failed: {last}");
    }
}

/// <summary>Two trainings, one of them with synthetic rows.</summary>
/// <param name="ScoreName">What the scores are.</param>
/// <param name="Requested">Held-out rows that both were evaluated on.</param>
/// <param name="RowsWithout">Training rows without synthetic ones.</param>
/// <param name="RowsWith">Training rows with them.</param>
/// <param name="Made">Synthetic rows among these.</param>
/// <param name="Base">The base's score, 0 to 1.</param>
/// <param name="Without">The score after training without synthetic rows.</param>
/// <param name="With">The score after training with them.</param>
/// <param name="Difference">With minus without, paired over rows.</param>
internal sealed record Ablation(
    string ScoreName,
    [property: JsonPropertyName("asked")] int Requested,
    int RowsWithout,
    int RowsWith,
    int Made,
    double Base,
    double Without,
    double With,
    PairedDifference Difference
);
