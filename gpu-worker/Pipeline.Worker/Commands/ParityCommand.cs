using System.CommandLine;
using System.Globalization;
using Pipeline.Contracts;
using Pipeline.Model.Gpu;
using Pipeline.Worker.Parity;

namespace Pipeline.Worker.Commands;

/// <summary><c>parity</c>: this build against reference vectors, as a table.</summary>
internal static class ParityCommand
{
    public static Command Create()
    {
        var directory = new Argument<string>("DIR")
        {
            Description = "A folder of reference vectors in the layout of tests/Golden",
        };
        var tokenizer = new Option<string?>("--tokenizer")
        {
            Description = "Folder of the tokenizer of every vectors.jsonl; default: the nearest in or above its folder",
        };
        var model = new Option<string?>("--model")
        {
            Description = "Folder of the checkpoint of every reference_greedy.json; default: its own folder",
        };
        var json = new Option<string?>("--json") { Description = "Write the rows here as JSON too" };
        Option<string> deviceOption = DeviceOption.Create();
        var command = new Command("parity", "Hold this build against reference vectors; exit code 1 outside tolerance")
        {
            directory,
            tokenizer,
            model,
            json,
            deviceOption,
        };
        command.SetAction(parsed =>
        {
            using Accelerator? gpu = DeviceOption.Open(parsed, deviceOption, TorchSharp.torch.ScalarType.Float32);
            IReadOnlyList<ParityResult> results = ParityChecks.Run(
                parsed.GetRequiredValue(directory),
                parsed.GetValue(tokenizer),
                parsed.GetValue(model),
                gpu
            );
            int width = results.Max(r => r.Case.Length);
            foreach (ParityResult result in results)
            {
                Console.WriteLine(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{(result.Passed ? "ok  " : "FAIL")}  {result.Case.PadRight(width)}  "
                            + $"{result.Quantity, -44} {result.Error, 12:0.###e+00}  "
                            + $"allowed {result.Tolerance:0.###e+00}"
                    )
                );
                if (result.Fault is not null)
                {
                    Console.WriteLine($"      {result.Fault}");
                }
            }

            Console.WriteLine($"{results.Count(r => r.Passed)} of {results.Count} checks passed");
            if (parsed.GetValue(json) is { } path)
            {
                File.WriteAllBytes(path, ContractJson.WriteUtf8(new { results }, indented: true));
            }

            return results.All(r => r.Passed) ? 0 : 1;
        });
        return command;
    }
}
