using System.Text.Json;
using Pipeline.Contracts;
using Pipeline.Model.Adapters;
using Pipeline.Model.Checkpoints;
using Pipeline.Model.Llama;
using Pipeline.Training.Batching;
using Pipeline.Training.Objectives;
using Pipeline.Training.Optimization;
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

    public static IReadOnlyList<ParityResult> Check(string folder, string name)
    {
        string basePath = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(folder))!, BaseName(folder));
        using DisposeScope scope = NewDisposeScope();
        using LlamaModel model = LlamaModel.Load(basePath, Path.GetFileName(folder).Contains("qlora", StringComparison.OrdinalIgnoreCase) ? WeightStorage.Nf4 : WeightStorage.Full);
        using SafetensorsFile file = SafetensorsFile.Open(Path.Combine(folder, "trajectory.safetensors"));
        using LoraAdapter adapter = PeftAdapterFiles.Read(folder, model);
        double published = adapter.Tensors.Max(t => Relative(t.Value, file.Read("final." + t.Name)));
        foreach ((string tensorName, _) in adapter.Tensors)
        {
            adapter.Set(tensorName, file.Read("init." + tensorName));
        }

        model.Attach(adapter);
        (double loss, double norm, double rate) = Replay(model, adapter, file, Path.Combine(folder, "trajectory.json"));
        return
        [
            new(name, "loss of each step, relative", loss, 5e-6),
            new(name, "gradient norm, relative", norm, 2e-5),
            new(name, "learning rate, absolute", rate, 1e-9),
            new(name, "final tensors, relative", adapter.Tensors.Max(t => Relative(t.Value, file.Read("final." + t.Name))), 1e-4),
            new(name, "adapter_model.safetensors as read, relative", published, 0),
        ];
    }

    private static (double Loss, double Norm, double Rate) Replay(LlamaModel model, LoraAdapter adapter, SafetensorsFile file, string logPath)
    {
        using JsonDocument log = JsonDocument.Parse(File.ReadAllBytes(logPath));
        using var gradient = new StepGradient(model);
        using var optimizer = new AdamW(adapter, weightDecay: 0.01);
        long[] ids = file.Read("input_ids").data<long>().ToArray();  // [60, 4, 32]
        long[] lengths = file.Read("lengths").data<long>().ToArray(); // [60, 4]
        (double worstLoss, double worstNorm, double worstRate) = (0, 0, 0);
        for (int step = 0; step < Steps; step++)
        {
            List<EncodedRow[]> batches = [.. Enumerable.Range(step * MicroBatches, MicroBatches).Select(b => Rows(ids, lengths, b))];
            double loss = gradient.Accumulate(batches, dropoutSeed: null);
            double norm = optimizer.ClipGradients(1.0);
            double rate = LearningRateSchedule.Rate(TrainingSettings.Cosine, Peak, step, Warmup, Steps);
            optimizer.Step(rate);

            JsonElement row = log.RootElement.GetProperty("log")[step];
            worstLoss = Math.Max(worstLoss, Error(loss, row.GetProperty("loss").GetDouble()));
            worstNorm = Math.Max(worstNorm, Error(norm, row.GetProperty("grad_norm").GetDouble()));
            worstRate = Math.Max(worstRate, Math.Abs(rate - row.GetProperty("lr").GetDouble()));
        }

        return (worstLoss, worstNorm, worstRate);
    }

    private static EncodedRow[] Rows(long[] ids, long[] lengths, int batch) =>
        [.. Enumerable.Range(0, 4).Select(row =>
        {
            int length = (int)lengths[(batch * 4) + row];
            int start = ((batch * 4) + row) * 32;
            return new EncodedRow($"{batch}.{row}", [.. ids[start..(start + length)].Select(i => (int)i)], [.. Enumerable.Range(0, length).Select(i => (byte)(i < PromptTokens ? 0 : 1))]);
        })];

    private static string BaseName(string folder)
    {
        using JsonDocument config = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, BlobLayout.AdapterConfigFile)));
        return Path.GetFileName(config.RootElement.GetProperty("base_model_name_or_path").GetString()!.TrimEnd('/'));
    }

    private static double Error(double actual, double expected) => Math.Abs(actual - expected) / Math.Abs(expected);

    private static double Relative(Tensor actual, Tensor expected) => actual.sub(expected).norm().item<float>() / expected.norm().item<float>();
}
