using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Pipeline.Model.Gpu;
using Pipeline.Model.Llama;
using Pipeline.Model.Merging;
using Pipeline.Model.Weights;
using Pipeline.Worker.Jobs;

namespace Pipeline.Worker.Commands;

/// <summary><c>quantize</c>: a base to its NF4 form, which loads in a quarter of the time and space.</summary>
internal static class QuantizeCommand
{
    private const long FileBytes = 5_000_000_000;

    public static Command Create()
    {
        var baseOption = new Option<string>("--base") { Required = true, Description = "Folder of the base model" };
        var outOption = new Option<string>("--out")
        {
            Required = true,
            Description = "Folder that will hold the NF4 form; must be empty or not there",
        };
        Option<string> deviceOption = DeviceOption.Create();
        var command = new Command(
            "quantize",
            "Write a base in NF4 with double quantisation, as transformers with bitsandbytes reads it"
        )
        {
            baseOption,
            outOption,
            deviceOption,
        };
        command.SetAction(parsed =>
        {
            string from = parsed.GetRequiredValue(baseOption);
            using Accelerator? gpu = DeviceOption.Open(parsed, deviceOption);
            BaseChecks.Require(from);
            using var to = OutputFolder.Begin(parsed.GetRequiredValue(outOption));
            long started = Stopwatch.GetTimestamp();
            using LlamaModel model = LlamaModel.Load(from, WeightStorage.Nf4, gpu?.Device);
            CheckpointWriter.WriteQuantized(model, from, to.Partial, FileBytes);
            string done = to.End();
            double gib =
                Directory.EnumerateFiles(done, "*.safetensors").Sum(f => new FileInfo(f).Length) / (double)(1 << 30);
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{done}: {gib:0.00} GiB in {Stopwatch.GetElapsedTime(started).TotalSeconds:0} s"
                )
            );
            return 0;
        });
        return command;
    }
}
