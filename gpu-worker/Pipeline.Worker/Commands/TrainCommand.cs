using System.CommandLine;
using System.Text.Json;
using Pipeline.Contracts;
using Pipeline.Model.Gpu;
using Pipeline.Worker.Jobs;

namespace Pipeline.Worker.Commands;

/// <summary><c>train</c>: base and dataset in folders, adapter out.</summary>
internal static class TrainCommand
{
    public static Command Create()
    {
        var baseOption = new Option<string>("--base") { Required = true, Description = "Folder of the base model" };
        var datasetOption = new Option<string>("--dataset") { Required = true, Description = "Folder of the dataset" };
        var outOption = new Option<string>("--out")
        {
            Required = true,
            Description = "Folder that will hold the adapter",
        };
        var configOption = new Option<string?>("--config")
        {
            Description = "JSON file of training settings; default: those of the dataset's project",
        };
        var checkpointOption = new Option<string?>("--checkpoints")
        {
            Description = "Folder of checkpoints; a run goes on from what lies there",
        };
        Option<string> deviceOption = DeviceOption.Create();
        var command = new Command("train", "Train an adapter and evaluate base against tuned")
        {
            baseOption,
            datasetOption,
            outOption,
            configOption,
            checkpointOption,
            deviceOption,
        };
        command.SetAction(
            (parsed, cancellation) =>
                Task.Run(
                    () =>
                    {
                        string dataset = parsed.GetRequiredValue(datasetOption);
                        DatasetManifest manifest = LocalDataset.Read(dataset).Manifest;
                        string output = parsed.GetRequiredValue(outOption);
                        OutputFolder.RequireFree(output);
                        using Accelerator? gpu = DeviceOption.Open(parsed, deviceOption);
                        return Run(
                            new TrainAdapterInput
                            {
                                BaseDirectory = parsed.GetRequiredValue(baseOption),
                                DatasetDirectory = dataset,
                                OutputDirectory = output,
                                CheckpointDirectory = parsed.GetValue(checkpointOption),
                                Gpu = gpu,
                                Title = manifest.Project,
                                Training = parsed.GetValue(configOption) is { } path
                                    ? ReadSettings(path)
                                    : manifest.Settings.Training,
                                Evaluation = manifest.Settings.Evaluation,
                            },
                            cancellation
                        );
                    },
                    cancellation
                )
        );
        return command;
    }

    private static int Run(TrainAdapterInput job, CancellationToken cancellation)
    {
        EvaluationReport report = TrainAdapter.Run(
            job,
            new ProgressLog(TimeProvider.System, ConsoleProgress.Write),
            null,
            cancellation
        );
        string trained = job.Training.Method == TrainingMethod.Full ? "model" : "adapter";
        Console.WriteLine(Reporting.Pages.EvaluationVerdict.Text(report));
        Console.WriteLine($"{job.OutputDirectory}: {trained}, proof.json, evaluation.json, report.html");
        return 0;
    }

    private static TrainingSettings ReadSettings(string path)
    {
        try
        {
            return ContractJson.Read<TrainingSettings>(
                InputFile.ReadAll(path, InputFile.SettingsMegabytes),
                key => Console.Error.WriteLine($"{path}: unknown key {key} ignored")
            );
        }
        catch (Exception fault) when (fault is JsonException or FileNotFoundException)
        {
            throw new InvalidDataException($"{path} holds no training settings: {fault.Message}", fault);
        }
    }
}
