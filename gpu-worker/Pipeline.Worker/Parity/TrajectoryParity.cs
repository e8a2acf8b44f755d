using System.Text.Json;
using Pipeline.Contracts;
using Pipeline.Model.Adapters;
using Pipeline.Model.Checkpoints;
using Pipeline.Model.Gpu;
using Pipeline.Model.Weights;
using Pipeline.Training.Batching;
using Pipeline.Training.Optimization;
using Pipeline.Training.Stepping;
using Pipeline.Worker.Jobs;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Worker.Parity;

/// <summary>Thirty optimizer steps of LoRA or QLoRA on fixed batches, step by step and at the end.</summary>
internal static class TrajectoryParity
{
    private const int Steps = 30;
    private const int Warmup = 3;
    private const int MicroBatches = 2;
    private const int PromptTokens = 5;
    private const double Peak = 5e-3;

    public static IReadOnlyList<ParityResult> Check(string folder, string name, Accelerator? gpu)
    {
        string basePath = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(folder))!, BaseName(folder));
        WeightStorage storage = Path.GetFileName(folder).Contains("qlora", StringComparison.OrdinalIgnoreCase)
            ? WeightStorage.Nf4
            : WeightStorage.Full;
        return ParityModels.Each(basePath, storage, name, gpu, (placed, way) => Check(placed, folder, way));
    }

    private static ParityResult[] Check(PlacedModel placed, string folder, string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using SafetensorsFile file = SafetensorsFile.Open(Path.Combine(folder, "trajectory.safetensors"));
        using LoraAdapter adapter = PeftAdapterFiles.Read(folder, placed.Model);
        double published = adapter.Tensors.Max(t => Relative(t.Value, file.Read("final." + t.Name)));
        if (placed.ComputesByKernels && adapter.Options.UseDora)
        {
            return []; // plain torch does
        }

        foreach ((string tensorName, _) in adapter.Tensors)
        {
            adapter.Set(tensorName, file.Read("init." + tensorName));
        }

        (double loss, double norm, double rate) = Replay(
            placed,
            adapter,
            file,
            Path.Combine(folder, "trajectory.json")
        );
        return
        [
            new(name, "loss of each step, relative", loss, 5e-6),
            new(name, "gradient norm, relative", norm, 2e-5),
            new(name, "learning rate, absolute", rate, 1e-9),
            new(
                name,
                "final tensors, relative",
                adapter.Tensors.Max(t => Relative(t.Value, file.Read("final." + t.Name))),
                1e-4
            ),
            new(name, "adapter_model.safetensors as read, relative", published, 0),
        ];
    }

    private static (double Loss, double Norm, double Rate) Replay(
        PlacedModel placed,
        LoraAdapter adapter,
        SafetensorsFile file,
        string logPath
    )
    {
        using JsonDocument log = JsonDocument.Parse(File.ReadAllBytes(logPath));
        long[] ids = file.Read("input_ids").data<long>().ToArray(); // [60, 4, 32]
        long[] lengths = file.Read("lengths").data<long>().ToArray(); // [60, 4]
        EncodedRow[][] batches = [.. Enumerable.Range(0, Steps * MicroBatches).Select(b => Rows(ids, lengths, b))];
        var settings = new TrainingSettings
        {
            Dropout = 0,
            ClipNorm = 1,
            WeightDecay = 0.01,
            Epochs = 1,
            BatchSize = batches[0].Length,
        };
        TrainingRun run = placed.Placed(
            new TrainingRun
            {
                Model = placed.Model,
                Trained = adapter,
                Rows = [.. batches.SelectMany(b => b)],
                ValidationRows = [],
                Settings = settings,
            }
        );
        using StepEngine engine = StepEngine.For(run, new StepPlan(run.Rows, settings));
        var first = new FirstStepCheck(adapter);
        (double worstLoss, double worstNorm, double worstRate) = (0, 0, 0);
        for (int step = 0; step < Steps; step++)
        {
            double rate = LearningRateSchedule.Rate(RateSchedule.Cosine, Peak, step, Warmup, Steps);
            using IStepNumbers numbers = engine.Step(
                [.. batches.Skip(step * MicroBatches).Take(MicroBatches)],
                dropoutSeed: 0,
                rate,
                first
            );
            (double loss, double norm) = numbers.Read();

            JsonElement row = log.RootElement.GetProperty("log")[step];
            worstLoss = Math.Max(worstLoss, Error(loss, row.GetProperty("loss").GetDouble()));
            worstNorm = Math.Max(worstNorm, Error(norm, row.GetProperty("grad_norm").GetDouble()));
            worstRate = Math.Max(worstRate, Math.Abs(rate - row.GetProperty("lr").GetDouble()));
        }

        engine.CopyToHost();
        return (worstLoss, worstNorm, worstRate);
    }

    private static EncodedRow[] Rows(long[] ids, long[] lengths, int batch) =>
        [
            .. Enumerable
                .Range(0, 4)
                .Select(row =>
                {
                    int length = (int)lengths[(batch * 4) + row];
                    int start = ((batch * 4) + row) * 32;
                    return new EncodedRow(
                        $"{batch}.{row}",
                        [.. ids[start..(start + length)].Select(i => (int)i)],
                        [.. Enumerable.Range(0, length).Select(i => (byte)(i < PromptTokens ? 0 : 1))]
                    );
                }),
        ];

    private static string BaseName(string folder)
    {
        using JsonDocument config = JsonDocument.Parse(
            File.ReadAllBytes(Path.Combine(folder, BlobLayout.AdapterConfigFile))
        );
        return Path.GetFileName(config.RootElement.GetProperty("base_model_name_or_path").GetString()!.TrimEnd('/'));
    }

    private static double Error(double actual, double expected) => Math.Abs(actual - expected) / Math.Abs(expected);

    private static double Relative(Tensor actual, Tensor expected) =>
        actual.cpu().sub(expected).norm().item<float>() / expected.norm().item<float>();
}
