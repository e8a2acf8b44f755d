using Pipeline.Contracts;
using Pipeline.Model.Adapters;
using Pipeline.Model.Llama;
using Pipeline.Model.Weights;
using Pipeline.Training;
using Pipeline.Training.Batching;
using Pipeline.Training.Stepping;
using TorchSharp;

namespace Pipeline.GpuWorker.Tests.Training;

/// <summary>Tests that measure the whole process run while no other does.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone";
}

/// <summary>A thousand steps and more: neither tensors nor memory may grow.</summary>
[Collection(Alone.Name)]
public sealed class LongRunTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Train_ThousandSteps_KeepsTensorsAndMemoryFlat(bool dora)
    {
        using LlamaModel model = LlamaModel.Load(RepositoryFiles.At("tests", "Golden", "llama2"), WeightStorage.Nf4);
        using LoraAdapter adapter = LoraAdapter.Create(model, new LoraOptions(4, 8, 0.1) { UseDora = dora }, 1);
        model.Attach(adapter.Pairs);
        var tensors = new List<long>();
        var memory = new List<long>();
        var run = new TrainingRun
        {
            Model = model,
            Trained = adapter,
            Rows = RowsOfManyLengths(),
            ValidationRows = [],
            Settings = SettingsFor(dora),
            OnStep = step =>
            {
                if (step.Step % 200 == 0)
                {
                    tensors.Add(DisposeScopeManager.Statistics.ThreadTotalLiveCount);
                    GC.Collect();
                    memory.Add(Environment.WorkingSet);
                }
            },
        };

        TrainingOutcome outcome = TrainingLoop.Train(run, TestContext.Current.CancellationToken);

        Assert.Equal(1248, outcome.Steps);
        Assert.Single(tensors.Distinct());
        // The heap settles in the first steps, whose batches differ in length; what leaks grows with every step after.
        Assert.True(
            memory[^1] - memory[2] < 48 << 20,
            $"working set after each 200 steps: {string.Join(", ", memory.Select(m => $"{m >> 20} MiB"))}"
        );
    }

    private static TrainingSettings SettingsFor(bool dora) =>
        new()
        {
            R = 4,
            Alpha = 8,
            Dropout = 0.1,
            Epochs = 96,
            BatchSize = 4,
            LearningRate = 1e-3,
            Dora = dora,
            CheckpointSteps = 100_000,
        };

    private static EncodedRow[] RowsOfManyLengths()
    {
        var random = new Random(5);
        EncodedRow[] rows =
        [
            .. Enumerable
                .Range(0, 52)
                .Select(i => new EncodedRow(
                    $"{i}",
                    [.. Enumerable.Range(0, 8 + random.Next(120)).Select(_ => random.Next(512))],
                    [.. Enumerable.Repeat((byte)1, 128)]
                )),
        ];
        return [.. rows.Select(r => r with { LossMask = [.. r.LossMask.Take(r.Ids.Count)] })];
    }
}
