using System.CommandLine;
using System.Text.Json;
using Pipeline.Model;
using Pipeline.Worker.Benchmarks;

namespace Pipeline.Worker.Commands;

/// <summary><c>bench</c>: what this machine does, as JSON lines.</summary>
internal static class BenchCommand
{
    private static readonly string DefaultBase = Path.Combine("gpu-worker", "models", "tiny-llama-chat");
    private static readonly JsonSerializerOptions Snake = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public static Command Create()
    {
        var baseOption = new Option<string?>("--base") { Description = "Folder of the base model; default: tiny-llama-chat of this repository" };
        var cpu = new Command("cpu", "Training steps on the CPU beside their matrix products; run it from a Release build") { baseOption };
        cpu.SetAction(parsed =>
        {
            foreach (CpuBenchmarkResult result in CpuBenchmark.Run(parsed.GetValue(baseOption) ?? FindBase()))
            {
                Console.WriteLine(JsonSerializer.Serialize(result, Snake));
            }

            return 0;
        });
        var directoryOption = new Option<string?>("--dir") { Description = "Folder for the random base, about 13 GB; default: the system's for temporary files" };
        var quantize = new Command("quantize", "Random weights of the Llama-2-7B shape in bf16, read, quantised to NF4 and written again") { directoryOption };
        quantize.SetAction(parsed =>
        {
            Console.WriteLine(JsonSerializer.Serialize(QuantizeBenchmark.Run(parsed.GetValue(directoryOption) ?? Path.GetTempPath()), Snake));
            return 0;
        });
        return new Command("bench", "Measure this machine") { cpu, quantize };
    }

    private static string FindBase()
    {
        for (DirectoryInfo? at = new(Environment.CurrentDirectory); at is not null; at = at.Parent)
        {
            string path = Path.Combine(at.FullName, DefaultBase);
            if (Directory.Exists(path))
            {
                return path;
            }
        }

        throw new ModelException($"There is no {DefaultBase} here or above; name a base with --base.");
    }
}
