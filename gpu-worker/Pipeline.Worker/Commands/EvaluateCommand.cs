using System.CommandLine;
using Pipeline.Contracts;
using Pipeline.Evaluation.Tasks;
using Pipeline.Model.Adapters;
using Pipeline.Model.Gpu;
using Pipeline.Model.Weights;
using Pipeline.Reporting.Baselines;
using Pipeline.Reporting.Evaluations;
using Pipeline.Reporting.Pages;
using Pipeline.Worker.Jobs;

namespace Pipeline.Worker.Commands;

/// <summary><c>evaluate</c>: base and adapter on a dataset's held-out rows, nothing trained.</summary>
internal static class EvaluateCommand
{
    public static Command Create()
    {
        var baseOption = new Option<string>("--base") { Required = true, Description = "Folder of the base model" };
        var adapterOption = new Option<string>("--adapter")
        {
            Required = true,
            Description = "Folder of the adapter, ours or peft's, or of a model that was trained as a whole",
        };
        var datasetOption = new Option<string>("--dataset") { Required = true, Description = "Folder of the dataset" };
        var outOption = new Option<string>("--out")
        {
            Required = true,
            Description = "Folder that will hold evaluation.json and report.html; must be empty or not there",
        };
        Option<string> deviceOption = DeviceOption.Create();
        var command = new Command("evaluate", "Evaluate base and adapter on the same held-out rows")
        {
            baseOption,
            adapterOption,
            datasetOption,
            outOption,
            deviceOption,
        };
        command.SetAction(
            (parsed, cancellation) =>
                Task.Run(
                    () =>
                    {
                        LocalDataset dataset = LocalDataset.Read(parsed.GetRequiredValue(datasetOption));
                        using Accelerator? gpu = DeviceOption.Open(parsed, deviceOption);
                        using var to = OutputFolder.Begin(parsed.GetRequiredValue(outOption));
                        EvaluationReport report = Evaluate(
                            parsed.GetRequiredValue(baseOption),
                            parsed.GetRequiredValue(adapterOption),
                            dataset,
                            gpu,
                            cancellation
                        );
                        WriteReport(to.Partial, report, dataset);
                        Console.WriteLine(EvaluationVerdict.Text(report));
                        Console.WriteLine(to.End());
                        return 0;
                    },
                    cancellation
                )
        );
        return command;
    }

    private static void WriteReport(string folder, EvaluationReport report, LocalDataset dataset)
    {
        File.WriteAllBytes(
            Path.Combine(folder, BlobLayout.EvaluationFile),
            ContractJson.WriteUtf8(report, indented: true)
        );
        File.WriteAllText(
            Path.Combine(folder, BlobLayout.ReportFile),
            EvaluationReportPage.Write(dataset.Manifest.Project, report, dataset.Manifest, dataset.Test, "")
        );
    }

    private static EvaluationReport Evaluate(
        string baseFolder,
        string adapterFolder,
        LocalDataset dataset,
        Accelerator? gpu,
        CancellationToken cancellation
    )
    {
        EvaluationSettings settings = dataset.Manifest.Settings.Evaluation;
        var evaluation = new HeldOutEvaluation(
            BaseChecks.EncoderOf(baseFolder, dataset.Manifest.Template),
            dataset.Test,
            dataset.Manifest.Labels,
            settings.Generate
        );
        if (AdapterBase.IsModel(adapterFolder))
        {
            return Build(Evaluate(baseFolder), Evaluate(adapterFolder));
        }

        using PlacedModel placed = AdapterBase.Load(baseFolder, adapterFolder, gpu);
        using LoraAdapter adapter = PeftAdapterFiles.Read(adapterFolder, placed.Model);
        IReadOnlyList<ModelAnswer> bare = evaluation.Evaluate(placed.ForInference(null), null, cancellation);
        return Build(bare, evaluation.Evaluate(placed.ForInference(adapter), null, cancellation));

        IReadOnlyList<ModelAnswer> Evaluate(string folder)
        {
            using PlacedModel placed = PlacedModel.Load(folder, WeightStorage.Full, gpu, AdapterBase.InFloat32);
            return evaluation.Evaluate(placed.ForInference(null), null, cancellation);
        }

        EvaluationReport Build(IReadOnlyList<ModelAnswer> bare, IReadOnlyList<ModelAnswer> tuned)
        {
            using LinearModel? linear = BaselineScores.TrainLinear(dataset.Train, dataset.Manifest.Labels);
            return EvaluationBuilder.Build(
                dataset.Manifest,
                dataset.Train,
                new AnsweredRows(dataset.Test, bare, tuned),
                settings,
                training: null,
                linear
            );
        }
    }
}
