using System.CommandLine;
using Pipeline.Contracts;
using Pipeline.Model.Gpu;
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
                        EvaluationReport report = AdapterEvaluation.Run(
                            parsed.GetRequiredValue(baseOption),
                            parsed.GetRequiredValue(adapterOption),
                            dataset,
                            gpu,
                            new EvaluationRun(null, null, cancellation)
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
            EvaluationReportPage.Write(
                dataset.Manifest.Project,
                report,
                dataset.Manifest,
                dataset.Test,
                dataset.Guard,
                ""
            )
        );
    }
}
