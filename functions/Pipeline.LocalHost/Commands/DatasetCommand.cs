using System.CommandLine;
using Microsoft.Extensions.Configuration;
using Pipeline.Contracts;
using Pipeline.Datasets.Building;
using Pipeline.Datasets.Configuration;
using Pipeline.Datasets.Exports;
using Pipeline.Datasets.Ingestion.Rows;
using Pipeline.Datasets.Synthesis;
using Pipeline.Functions.Datasets;
using Pipeline.Functions.Models;
using Pipeline.LocalHost.Processes;
using Pipeline.LocalHost.Samples;
using Pipeline.Reporting.Baselines;
using Pipeline.Reporting.Pages;
using Pipeline.Tokenization;

namespace Pipeline.LocalHost.Commands;

/// <summary>
/// <c>dataset build</c>, offline and without storage, and <c>dataset sample</c>, which writes the demo's raw file anew.
/// </summary>
internal static class DatasetCommand
{
    public static Command Create()
    {
        var project = new Option<string?>("--project") { Description = "project.yaml; default: every default" };
        var input = new Option<string>("--input") { Required = true, Description = "The raw file" };
        var output = new Option<string>("--out") { Required = true, Description = "Folder that will hold the dataset" };
        var answers = new Option<string>("--answers")
        {
            Description = "Folder in which a language model's answers are kept, so that none is bought twice",
            DefaultValueFactory = _ => Path.Combine(".data", "answers"),
        };
        var without = new Option<string[]>("--without")
        {
            AllowMultipleArgumentsPerToken = true,
            Description = "Ids of rows to leave out, such as tweets.csv#12",
        };
        var build = new Command(
            "build",
            "Build a dataset from a raw file, offline unless synthesis.model asks for a language model"
        )
        {
            project,
            input,
            output,
            answers,
            without,
        };
        build.SetAction(
            (parsed, cancellation) =>
                BuildAsync(
                    parsed.GetValue(project),
                    parsed.GetRequiredValue(input),
                    parsed.GetRequiredValue(output),
                    parsed.GetRequiredValue(answers),
                    parsed.GetValue(without) ?? [],
                    cancellation
                )
        );
        var file = new Option<string>("--out") { Required = true, Description = "The file" };
        var sample = new Command("sample", "Write the demo's raw file") { file };
        sample.SetAction(parsed => File.WriteAllBytes(parsed.GetRequiredValue(file), TweetSample.Csv()));
        return new Command("dataset", "Datasets without storage") { build, PreviewCommand.Create(), sample };
    }

    private static async Task<int> BuildAsync(
        string? projectFile,
        string input,
        string output,
        string answers,
        string[] without,
        CancellationToken cancellation
    )
    {
        DatasetRequest request = Request(projectFile, input) with
        {
            Without = [.. without.Order(StringComparer.Ordinal)],
        };
        DatasetBuild build = await DatasetBuilder.BuildAsync(
            request,
            output,
            Synthesis(request.Settings, answers),
            cancellation
        );
        await HuggingFaceLayout.WriteAsync(output, build.Manifest, cancellation);
        OpenAiMessages.Write(output, build.Manifest);
        BaselineForecast? forecast = DatasetBaselines.Forecast(output, build.Manifest.Labels);
        if (forecast is not null)
        {
            await File.WriteAllBytesAsync(
                Path.Combine(output, BlobLayout.BaselineFile),
                ContractJson.WriteUtf8(forecast, indented: true),
                cancellation
            );
        }

        await File.WriteAllTextAsync(
            Path.Combine(output, BlobLayout.AuditPageFile),
            AuditPage.Write(build.Manifest, build.Audit, forecast),
            cancellation
        );
        Print(build, request.Settings);
        if (forecast is not null)
        {
            Console.WriteLine(EvaluationVerdict.Text(forecast));
        }

        return build.Fault is null ? 0 : throw build.Fault;
    }

    /// <summary>What makes rows here.</summary>
    internal static RowSynthesis Synthesis(ProjectSettings settings, string answers)
    {
        IConfiguration configuration = new ConfigurationBuilder().AddEnvironmentVariables().Build();
        return new RowSynthesis(
            settings.Synthesis.Model is { } model ? new ModelClients(configuration).For(model.Deployment) : null,
            new FolderResponseCache(answers),
            ModelClients.Missing
        );
    }

    /// <summary>What a dataset is made of, as the command line says it.</summary>
    /// <exception cref="HostException">A file is not there.</exception>
    internal static DatasetRequest Request(string? projectFile, string input)
    {
        foreach (string path in ((string?[])[projectFile, input]).OfType<string>())
        {
            if (!File.Exists(path) && !(path == input && Directory.Exists(path)))
            {
                throw new HostException($"'{path}' does not exist.");
            }
        }

        ProjectSettings settings = ProjectFile.Read(
            projectFile is null ? "" : File.ReadAllText(projectFile),
            Console.Error.WriteLine
        );
        var bases = new BaseCatalog(Folders());
        (ChatEncoder encoder, string sha256) = bases.EncoderFor(settings);
        IReadOnlyDictionary<string, string> heldOut = HeldOutFiles(settings, input);

        return new DatasetRequest
        {
            Project = "local",
            Settings = settings,
            Files = [Read(input)],
            TestFile = settings.Split.TestFile is { } test ? Read(heldOut[test]) : null,
            GuardFile = settings.Promotion.Guard is { } guard ? Read(heldOut[guard]) : null,
            Encoder = encoder,
            TokenizerSha256 = sha256,
            Shape = bases.ShapeOf(settings),
        };
    }

    /// <summary>Paths of the files beside a raw file that project.yaml names, by their names.</summary>
    /// <exception cref="HostException">One does not lie there.</exception>
    internal static IReadOnlyDictionary<string, string> HeldOutFiles(ProjectSettings settings, string input)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(input))!;
        foreach ((string setting, string name) in settings.HeldOutFiles())
        {
            if (!File.Exists(Path.Combine(folder, name)))
            {
                throw new HostException($"{setting} names '{name}', which does not lie beside '{input}'.");
            }
        }

        return settings
            .HeldOutFiles()
            .DistinctBy(f => f.Name)
            .ToDictionary(f => f.Name, f => Path.Combine(folder, f.Name), StringComparer.Ordinal);
    }

    /// <summary>The longest sequence that a project's base reads; <c>null</c>: not said.</summary>
    internal static int? MaxPositions(ProjectSettings settings) => Folders().MaxPositions(settings.Base);

    private static BaseModelFolders Folders() =>
        new(
            Environment.GetEnvironmentVariable("PIPELINE_MODELS") is { Length: > 0 } setting
                ? setting
                : RepositoryLayout.Models
        );

    private static void Print(DatasetBuild build, ProjectSettings settings)
    {
        RowCounts rows = build.Manifest.Rows;
        Console.WriteLine(
            $"{rows.Read} rows read = {rows.Accepted} accepted + {rows.Rejected} rejected + "
                + $"{rows.Duplicates} duplicates; "
                + (build.Manifest.Task == TaskKind.Text ? "in pieces: " : "")
                + $"{rows.Train} to train, {rows.Validation} to validate, {rows.Test} to test"
        );
        (string textColumn, string labelColumn, bool guessed) = build.Manifest.Columns;
        Console.WriteLine(
            $"Read as {build.Manifest.Layout}, task {build.Manifest.Task.Name()}"
                + (settings.HasExplicitTask ? "; " : " (guessed); ")
                + $"text from '{textColumn}'"
                + (labelColumn.Length > 0 ? $", answer from '{labelColumn}'" : "")
                + (guessed ? " (guessed)." : ".")
        );
        if (build.Manifest.NearDuplicates is { Clusters: > 0 } near)
        {
            Console.WriteLine(
                $"{near.Rows} rows are nearly the same as others, in {near.Clusters} clusters of up to {near.Largest}"
                    + (near.Conflicting > 0 ? $", {near.Conflicting} of them with different labels" : "")
                    + "; none is parted by the split."
            );
        }

        if (build.Manifest.Replaced.Count > 0)
        {
            Console.WriteLine(
                $"Replaced ({settings.Privacy.Mode.Name()}): "
                    + $"{string.Join(", ", build.Manifest.Replaced.Select(r => $"{r.Key} {r.Value}"))}."
            );
        }

        PrintSynthesis(build.Manifest);
        foreach (string note in build.Manifest.Notes)
        {
            Console.WriteLine(note);
        }

        foreach ((string reason, int count) in build.Manifest.Reasons)
        {
            Console.WriteLine($"  {reason} {count}");
        }

        if (build.Fault is null)
        {
            Console.WriteLine(AuditPage.Verdict(build.Audit)); // else the fault is the last word
        }
    }

    private static void PrintSynthesis(DatasetManifest manifest)
    {
        foreach (SynthesisSummary made in manifest.Synthesis)
        {
            Console.WriteLine(AuditPage.Describe(made));
        }
    }

    private static RawFile Read(string path) =>
        Directory.Exists(path) ? RawFile.FromFolder(path) : RawFile.FromPath(path);
}
