using System.CommandLine;
using Pipeline.Contracts;
using Pipeline.Evaluation.Tasks;
using Pipeline.Model.Adapters;
using Pipeline.Model.Gpu;
using Pipeline.Model.Merging;
using Pipeline.Model.Weights;
using Pipeline.Reporting.Evaluations;
using Pipeline.Reporting.Pages;
using Pipeline.Reporting.Tasks;
using Pipeline.Tokenization;
using Pipeline.Worker.Jobs;

namespace Pipeline.Worker.Commands;

/// <summary><c>merge</c>: an adapter into its base, in float32, evaluated again on the same rows.</summary>
internal static class MergeCommand
{
    private const string ReportFile = "merge.json";

    public static Command Create()
    {
        var baseOption = new Option<string>("--base") { Required = true, Description = "Folder of the base model" };
        var adapterOption = new Option<string>("--adapter") { Required = true, Description = "Folder of the adapter" };
        var outOption = new Option<string>("--out")
        {
            Required = true,
            Description = "Folder that will hold the merged model; must be empty or not there",
        };
        var datasetOption = new Option<string>("--dataset")
        {
            Required = true,
            Description = "Folder of the dataset on whose held-out rows both are evaluated",
        };
        var shardOption = new Option<long>("--max-shard-bytes")
        {
            Description = "Largest weight file; default 5,000,000,000",
            DefaultValueFactory = _ => 5_000_000_000,
        };
        Option<string> deviceOption = DeviceOption.Create();
        var command = new Command("merge", "Merge an adapter into the dequantised base in float32 and evaluate both")
        {
            baseOption,
            adapterOption,
            outOption,
            datasetOption,
            shardOption,
            deviceOption,
        };
        command.SetAction(
            (parsed, cancellation) =>
                Task.Run(
                    () =>
                        Run(
                            new MergeFolders(
                                parsed.GetRequiredValue(baseOption),
                                parsed.GetRequiredValue(adapterOption),
                                parsed.GetRequiredValue(outOption)
                            ),
                            parsed.GetRequiredValue(datasetOption),
                            parsed.GetValue(shardOption),
                            () => DeviceOption.Open(parsed, deviceOption),
                            cancellation
                        ),
                    cancellation
                )
        );
        return command;
    }

    private static int Run(
        MergeFolders folders,
        string datasetFolder,
        long largestFileBytes,
        Func<Accelerator?> open,
        CancellationToken cancellation
    )
    {
        if (AdapterBase.IsModel(folders.Adapter))
        {
            throw new InvalidDataException(
                $"'{folders.Adapter}' holds a model that was trained as a whole; there is nothing to merge."
            );
        }

        LocalDataset dataset = LocalDataset.Read(datasetFolder);
        using Accelerator? gpu = open();
        using var output = OutputFolder.Begin(folders.Output);
        string to = output.Partial;
        MergeReport report = Merge(folders with { Output = to }, dataset, largestFileBytes, gpu, cancellation);
        File.WriteAllBytes(Path.Combine(to, ReportFile), ContractJson.WriteUtf8(report, indented: true));
        File.WriteAllText(
            Path.Combine(to, BlobLayout.ReportFile),
            MergePage.Write(
                dataset.Manifest.Project,
                report,
                TaskScoring.For(dataset.Manifest.Task, dataset.Manifest.Labels).ScoreName,
                dataset.Test.Count
            )
        );
        Console.WriteLine(MergePage.Verdict(report, dataset.Test.Count));
        Console.WriteLine(output.End());
        return 0;
    }

    private static MergeReport Merge(
        MergeFolders folders,
        LocalDataset dataset,
        long largestFileBytes,
        Accelerator? gpu,
        CancellationToken cancellation
    )
    {
        (string from, string adapterFolder, string to) = folders;
        ChatEncoder encoder = BaseChecks.EncoderOf(from, dataset.Manifest.Template);
        EvaluationSettings settings = dataset.Manifest.Settings.Evaluation;
        var evaluation = new HeldOutEvaluation(encoder, dataset.Test, dataset.Manifest.Labels, settings.Generate);
        WeightStorage storage = AdapterBase.StorageOf(adapterFolder);
        IReadOnlyList<ModelAnswer> beside;
        using (PlacedModel placed = PlacedModel.Load(from, storage, gpu, AdapterBase.InFloat32))
        using (LoraAdapter adapter = PeftAdapterFiles.Read(adapterFolder, placed.Model))
        {
            beside = evaluation.Evaluate(placed.ForInference(adapter, folded: false), null, cancellation);
            CheckpointWriter.WriteMerged(placed.Model, from, to, largestFileBytes);
        }

        string generation = Path.Combine(adapterFolder, BlobLayout.GenerationConfigFile);
        if (File.Exists(generation))
        {
            InputFile.Copy(generation, Path.Combine(to, BlobLayout.GenerationConfigFile));
        }

        using PlacedModel read = PlacedModel.Load(to, WeightStorage.Full, gpu, AdapterBase.InFloat32);
        IReadOnlyList<ModelAnswer> merged = evaluation.Evaluate(read.ForInference(null), null, cancellation);
        return new MergeReport
        {
            Base = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(from))),
            Dequantized = storage == WeightStorage.Nf4,
            DatasetId = dataset.Manifest.DatasetId,
            AdapterScore = EvaluationBuilder.Score(dataset.Manifest, dataset.Test, beside, settings),
            MergedScore = EvaluationBuilder.Score(dataset.Manifest, dataset.Test, merged, settings),
            RowsThatDiffer = beside.Zip(merged).Count(p => p.First.Answer != p.Second.Answer),
            LargestDifference = beside
                .Zip(merged)
                .Max(p => Math.Abs(p.First.GoldLogLikelihood - p.Second.GoldLogLikelihood)),
        };
    }

    /// <param name="Base">The base model.</param>
    /// <param name="Adapter">Its adapter.</param>
    /// <param name="Output">Gets the merged model.</param>
    private sealed record MergeFolders(string Base, string Adapter, string Output);
}
