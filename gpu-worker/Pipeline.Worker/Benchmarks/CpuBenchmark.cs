using System.Diagnostics;
using Pipeline.Contracts;
using Pipeline.Model.Adapters;
using Pipeline.Model.Llama;
using Pipeline.Model.Lora;
using Pipeline.Model.Weights;
using Pipeline.Training.Batching;
using Pipeline.Training.Objectives;
using Pipeline.Training.Optimization;
using static TorchSharp.torch;

namespace Pipeline.Worker.Benchmarks;

/// <summary>
/// Whole optimizer steps on random tokens: forward, backward, clipping, AdamW; r=16 on all linear layers, dropout 0.05,
/// every token supervised.
/// </summary>
internal static class CpuBenchmark
{
    private const int Rank = 16;
    private const int Repeats = 5;
    private const int StepsARepeat = 4;

    /// <summary>Times the cases, one after the other.</summary>
    /// <param name="baseDirectory">The base.</param>
    public static IEnumerable<CpuBenchmarkResult> Run(string baseDirectory)
    {
        foreach ((int batch, int seq) in ((int, int)[])[(16, 128), (8, 256)])
        {
            foreach (TrainingMethod method in (TrainingMethod[])[TrainingMethod.Lora, TrainingMethod.Qlora])
            {
                yield return Time(baseDirectory, method, batch, seq);
            }
        }
    }

    private static CpuBenchmarkResult Time(string baseDirectory, TrainingMethod method, int batch, int seq)
    {
        using LlamaModel model = LlamaModel.Load(
            baseDirectory,
            method == TrainingMethod.Qlora ? WeightStorage.Nf4 : WeightStorage.Full
        );
        using LoraAdapter adapter = LoraAdapter.Create(model, new LoraOptions(Rank, 2 * Rank, 0.05), seed: 1);
        model.Attach(adapter.Pairs);
        using var optimizer = new AdamW(adapter, weightDecay: 0.01);
        using var gradient = new StepGradient(model);
        IReadOnlyList<EncodedRow> rows = Rows(batch, seq, model.Config.VocabularySize);
        void Step()
        {
            gradient.Accumulate([rows], CounterDropout.Derive(1, optimizer.Steps));
            optimizer.ClipGradients(1);
            optimizer.Step(1e-3);
        }

        double best = double.MaxValue;
        for (int repeat = 0; repeat <= Repeats; repeat++) // the first one warms up
        {
            long started = Stopwatch.GetTimestamp();
            for (int i = 0; i < StepsARepeat; i++)
            {
                Step();
            }

            best = repeat == 0 ? best : Math.Min(best, Stopwatch.GetElapsedTime(started).TotalSeconds / StepsARepeat);
        }

        long tokens = (long)batch * seq;
        double ceiling = ProductCeiling.Seconds(model.Config, Rank, batch, seq);
        return new CpuBenchmarkResult(
            method.Name(),
            get_num_threads(),
            batch,
            seq,
            Math.Round(tokens / best),
            Math.Round(ceiling / best, 3),
            Math.Round(tokens / ceiling)
        );
    }

    private static IReadOnlyList<EncodedRow> Rows(int batch, int seq, int vocabulary)
    {
        var random = new Random(1);
        byte[] supervised = [.. Enumerable.Repeat((byte)1, seq)];
        return
        [
            .. Enumerable
                .Range(0, batch)
                .Select(i => new EncodedRow(
                    $"{i}",
                    [.. Enumerable.Range(0, seq).Select(_ => random.Next(3, vocabulary))],
                    supervised
                )),
        ];
    }
}
