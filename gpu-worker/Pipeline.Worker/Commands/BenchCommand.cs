using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Pipeline.Model;
using Pipeline.Model.Checkpoints;
using Pipeline.Model.Gpu;
using Pipeline.Worker.Benchmarks;

namespace Pipeline.Worker.Commands;

/// <summary><c>bench</c>: what this machine does, as JSON lines.</summary>
internal static class BenchCommand
{
    private static readonly string DefaultBase = Path.Combine("gpu-worker", "models", "tiny-llama-chat");
    private static readonly JsonSerializerOptions Snake = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
    };

    public static Command Create()
    {
        var baseOption = new Option<string?>("--base")
        {
            Description = "Folder of the base model; default: tiny-llama-chat of this repository",
        };
        var cpu = new Command(
            "cpu",
            "Training steps on the CPU beside their matrix products; run it from a Release build"
        )
        {
            baseOption,
        };
        cpu.SetAction(parsed =>
        {
            foreach (CpuBenchmarkResult result in CpuBenchmark.Run(parsed.GetValue(baseOption) ?? FindBase()))
            {
                Console.WriteLine(JsonSerializer.Serialize(result, Snake));
            }

            return 0;
        });
        var directoryOption = new Option<string?>("--dir")
        {
            Description = "Folder for the random base, about 13 GB; default: the system's for temporary files",
        };
        var quantize = new Command(
            "quantize",
            "Random weights of the Llama-2-7B shape in bf16, read, quantised to NF4 and written again"
        )
        {
            directoryOption,
        };
        quantize.SetAction(parsed =>
        {
            Console.WriteLine(
                JsonSerializer.Serialize(
                    QuantizeBenchmark.Run(parsed.GetValue(directoryOption) ?? Path.GetTempPath()),
                    Snake
                )
            );
            return 0;
        });
        return new Command("bench", "Measure this machine") { cpu, quantize, Gpu(), Decode(), Kernels() };
    }

    private static Command Gpu()
    {
        Option<string[]> cases = GpuCases();
        var rank = new Option<int>("--rank")
        {
            Description = "LoRA rank on all linear layers",
            DefaultValueFactory = _ => 64,
        };
        Option<int> layers = Layers();
        var gpu = new Command("gpu", "QLoRA steps of the Llama-2-7B shape on the GPU, random weights made there")
        {
            cases,
            rank,
            layers,
        };
        gpu.SetAction(parsed => RunGpu(parsed.GetRequiredValue(cases), parsed.GetValue(rank), parsed.GetValue(layers)));
        return gpu;
    }

    private static Option<string[]> GpuCases() =>
        new("--cases")
        {
            Description =
                "Rows x tokens, activation checkpointing (offload, full, selective, none, auto), dropout if not "
                + "0.1: 4x1024:selective, "
                + "8x1024:full:0, packed200x4096:selective",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ =>
                [
                    "4x1024:selective",
                    "4x1024:full",
                    "4x1024:offload",
                    "8x1024:full",
                    "8x1024:offload",
                    "4x512:full",
                    "2x4096:selective",
                    "packed200x4096:selective",
                    "1x512:offload",
                    "4x1024:selective:0",
                    "4x1024:full:0",
                ],
        };

    private static Option<int> Layers() =>
        new("--layers")
        {
            Description = "Decoder layers of the Llama-2-7B shape",
            DefaultValueFactory = _ => GpuBenchmark.Llama7B.Layers,
        };

    private static int RunGpu(string[] cases, int rank, int layers)
    {
        GpuCase[] all = [.. cases.Select(GpuCase.Parse)];
        if (all.Length > 1)
        {
            // A process each: what the allocator kept of one case would be counted in the next one's memory.
            return all.Select(c =>
                    Again("bench", "gpu", "--cases", c.Name, "--rank", $"{rank}", "--layers", $"{layers}")
                )
                .FirstOrDefault(code => code != 0);
        }

        using Accelerator gpu = Accelerator.Open();
        LlamaConfig shape = GpuBenchmark.Llama7B with { Layers = layers };
        var options = new GpuBenchmarkOptions(rank, Repeats: 3);
        foreach (GpuCase one in all)
        {
            GpuBenchmarkResult result = GpuBenchmark.Run(gpu.Kernels, gpu.Device, shape, one, options, gpu.Memory);
            Console.WriteLine(JsonSerializer.Serialize(result, Snake));
        }

        return 0;
    }

    private static Command Decode()
    {
        Option<int> layers = Layers();
        var decode = new Command(
            "decode",
            "Greedy generation with the Llama-2-7B shape in NF4 on the GPU, 1 and 8 rows side by side"
        )
        {
            layers,
        };
        decode.SetAction(parsed =>
        {
            using Accelerator gpu = Accelerator.Open();
            foreach (int rows in (int[])[1, 8])
            {
                DecodeBenchmarkResult result = DecodeBenchmark.Run(
                    gpu.Kernels,
                    gpu.Device,
                    GpuBenchmark.Llama7B with
                    {
                        Layers = parsed.GetValue(layers),
                    },
                    new DecodeCase(rows, Tokens: 64),
                    repeats: 3,
                    gpu.Memory().Free
                );
                Console.WriteLine(JsonSerializer.Serialize(result, Snake));
            }

            return 0;
        });
        return decode;
    }

    private static Command Kernels()
    {
        var kernels = new Command(
            "kernels",
            "Each GPU kernel at the Llama-2-7B shape and 4,096 tokens, beside copying and a matrix product"
        );
        kernels.SetAction(_ =>
        {
            using Accelerator gpu = Accelerator.Open();
            foreach (
                KernelBenchmarkResult result in KernelBenchmark.Run(
                    gpu.Kernels,
                    gpu.Device,
                    new KernelShapes(
                        Tokens: 4096,
                        GpuBenchmark.Llama7B.HiddenSize,
                        GpuBenchmark.Llama7B.IntermediateSize,
                        GpuBenchmark.Llama7B.VocabularySize
                    ),
                    times: 20
                )
            )
            {
                Console.WriteLine(JsonSerializer.Serialize(result, Snake));
            }

            return 0;
        });
        return kernels;
    }

    /// <summary>This program once more, with its output where this one's goes.</summary>
    private static int Again(params string[] arguments)
    {
        bool hosted = Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet";
        using Process process = Process.Start(
            new ProcessStartInfo(
                Environment.ProcessPath!,
                [.. hosted ? [typeof(BenchCommand).Assembly.Location] : Array.Empty<string>(), .. arguments]
            )
        )!;
        process.WaitForExit();
        return process.ExitCode;
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
