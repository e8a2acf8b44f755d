using System.CommandLine;
using System.Globalization;
using System.Text;
using Pipeline.Contracts;
using Pipeline.Export.Gguf;
using Pipeline.Export.LlamaCpp;
using Pipeline.Model.Adapters;
using Pipeline.Model.Merging;
using Pipeline.Tokenization;
using Pipeline.Worker.Jobs;

namespace Pipeline.Worker.Commands;

/// <summary><c>export</c>: a version as GGUF files for llama.cpp, each evaluated.</summary>
internal static class ExportCommand
{
    private const string ReportFile = "export.json";

    public static Command Create()
    {
        var baseOption = new Option<string>("--base") { Required = true, Description = "Folder of the base model" };
        var adapterOption = new Option<string>("--adapter")
        {
            Required = true,
            Description = "Folder of the adapter, or of a model that was trained as a whole",
        };
        var datasetOption = new Option<string>("--dataset")
        {
            Required = true,
            Description = "Folder of the dataset on whose held-out rows every file is evaluated",
        };
        var outOption = new Option<string>("--out")
        {
            Required = true,
            Description = "Folder that will hold the files; must be empty or not there",
        };
        var numbersOption = new Option<GgufNumbers>("--numbers")
        {
            Description = "Numbers of the file that is not quantised: F32, F16 or BF16",
            DefaultValueFactory = _ => GgufNumbers.F16,
        };
        var quantizeOption = new Option<string>("--quantize")
        {
            Description = $"Quantised forms to add, with commas: {string.Join(", ", GgufQuantizer.Names)}",
            DefaultValueFactory = _ => "",
        };
        var command = new Command("export", "Write a version as GGUF files for llama.cpp, and evaluate each")
        {
            baseOption,
            adapterOption,
            datasetOption,
            outOption,
            numbersOption,
            quantizeOption,
        };
        command.SetAction(
            (parsed, cancellation) =>
                Task.Run(
                    () =>
                        Run(
                            new ExportFolders(
                                parsed.GetRequiredValue(baseOption),
                                parsed.GetRequiredValue(adapterOption),
                                parsed.GetRequiredValue(outOption)
                            ),
                            LocalDataset.Read(parsed.GetRequiredValue(datasetOption)),
                            parsed.GetValue(numbersOption),
                            Forms(parsed.GetValue(quantizeOption)!),
                            cancellation
                        ),
                    cancellation
                )
        );
        return command;
    }

    private static List<string> Forms(string text)
    {
        const StringSplitOptions Clean = StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries;
        List<string> forms = [.. text.Split(',', Clean).Select(f => f.ToUpperInvariant()).Distinct()];
        return forms.Find(f => !GgufQuantizer.Names.Contains(f)) is { } unknown
            ? throw new InvalidDataException(
                $"'{unknown}' is not a form to quantise to: use {string.Join(", ", GgufQuantizer.Names)}."
            )
            : forms;
    }

    private static int Run(
        ExportFolders folders,
        LocalDataset dataset,
        GgufNumbers numbers,
        List<string> forms,
        CancellationToken cancellation
    )
    {
        ChatEncoder encoder = BaseChecks.EncoderOf(folders.Base, dataset.Manifest.Template);
        using var output = OutputFolder.Begin(folders.Output);
        DirectoryInfo scratch = Directory.CreateTempSubdirectory("pipeline-merged-");
        try
        {
            string merged = Merge(folders, scratch.FullName);
            ExportReport report = new GgufExport(merged, dataset, encoder, cancellation).Write(
                dataset.Manifest.Project,
                numbers,
                forms,
                output.Partial
            );
            File.WriteAllBytes(
                Path.Combine(output.Partial, ReportFile),
                ContractJson.WriteUtf8(report, indented: true)
            );
            File.WriteAllText(Path.Combine(output.Partial, BlobLayout.ModelCardFile), Card(dataset.Manifest, report));
            Console.WriteLine(Table(report));
            foreach (string note in report.Notes)
            {
                Console.WriteLine(note);
            }

            Console.WriteLine(output.End());
            return 0;
        }
        finally
        {
            scratch.Delete(recursive: true);
        }
    }

    /// <summary>The model with its adapter folded in; one that was trained as a whole is so already.</summary>
    private static string Merge(ExportFolders folders, string scratch)
    {
        if (AdapterBase.IsModel(folders.Adapter))
        {
            return folders.Adapter;
        }

        using PlacedModel placed = AdapterBase.Load(folders.Base, folders.Adapter, null);
        using LoraAdapter adapter = PeftAdapterFiles.Read(folders.Adapter, placed.Model);
        placed.ForInference(adapter, folded: false);
        CheckpointWriter.WriteMerged(placed.Model, folders.Base, scratch, long.MaxValue);
        return scratch;
    }

    private static string Card(DatasetManifest manifest, ExportReport report)
    {
        string system = manifest.SystemPrompt.Length == 0 ? "(none)" : manifest.SystemPrompt;
        string notes = string.Concat(report.Notes.Select(n => $"\n- {n}"));
        return $"""
            # {manifest.Project}, for llama.cpp

            Base {report.Base}, dataset {report.DatasetId}, chat template `{report.Template}`.

            {Table(report)}

            The merged model as it is computed here, in float32, scores {Percent(report.Score)} on these rows.
            llama.cpp encodes the {report.TextsEncodedAlike} texts of the dataset as the training does.
            {notes}

            The system prompt of every row that has none of its own:

            {string.Join('\n', system.Split('\n').Select(line => "    " + line))}

            """;
    }

    private static string Table(ExportReport report)
    {
        var table = new StringBuilder(
            $"| file | MB | same answers of {report.Rows} | {report.ScoreName} | tokens/s | weights in memory, MB |\n"
                + "|---|---|---|---|---|---|"
        );
        foreach (ExportedFile file in report.Files)
        {
            table.Append(
                CultureInfo.InvariantCulture,
                $"\n| {file.Name} | {file.Bytes / 1e6:0.0} | {file.SameAnswers} | {Percent(file.Score)} | "
                    + $"{file.TokensPerSecond:0} | {file.WeightBytes / 1e6:0.0} |"
            );
        }

        return table.ToString();
    }

    private static string Percent(double share) => string.Create(CultureInfo.InvariantCulture, $"{100 * share:0.0} %");

    /// <param name="Base">The base model.</param>
    /// <param name="Adapter">Its adapter, or a whole model.</param>
    /// <param name="Output">Gets the files.</param>
    private sealed record ExportFolders(string Base, string Adapter, string Output);
}
