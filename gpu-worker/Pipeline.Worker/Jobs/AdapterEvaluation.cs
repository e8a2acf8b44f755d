using Pipeline.Contracts;
using Pipeline.Model.Adapters;
using Pipeline.Model.Gpu;
using Pipeline.Model.Weights;
using Pipeline.Reporting.Baselines;
using Pipeline.Tokenization;

namespace Pipeline.Worker.Jobs;

/// <summary>Base and adapter, or base and a model that was trained as a whole, on a dataset's held-out rows.</summary>
internal static class AdapterEvaluation
{
    /// <summary>Evaluates; nothing is trained but the baselines.</summary>
    /// <param name="baseFolder">The base model's folder.</param>
    /// <param name="adapterFolder">The adapter's, or the whole model's.</param>
    /// <param name="dataset">The dataset.</param>
    /// <param name="gpu">The GPU; <c>null</c>: the CPU computes.</param>
    /// <param name="run">How.</param>
    /// <exception cref="Pipeline.Model.ModelException">Base or adapter cannot be used.</exception>
    public static EvaluationReport Run(
        string baseFolder,
        string adapterFolder,
        LocalDataset dataset,
        Accelerator? gpu,
        EvaluationRun run
    )
    {
        ChatEncoder encoder = BaseChecks.EncoderOf(baseFolder, run.Template ?? dataset.Manifest.Template);
        var evaluation = new DatasetEvaluation(dataset, encoder, dataset.Manifest.Settings.Evaluation);
        if (AdapterBase.IsModel(adapterFolder))
        {
            return Build(EvaluateWhole(baseFolder, 0), EvaluateWhole(adapterFolder, 1));
        }

        using PlacedModel placed = AdapterBase.Load(baseFolder, adapterFolder, gpu);
        using LoraAdapter adapter = PeftAdapterFiles.Read(adapterFolder, placed.Model);
        DatasetAnswers bare = Evaluate(placed, null, 0);
        return Build(bare, Evaluate(placed, adapter, 1));

        DatasetAnswers EvaluateWhole(string folder, int turn)
        {
            using PlacedModel whole = PlacedModel.Load(folder, WeightStorage.Full, gpu, AdapterBase.InFloat32);
            return Evaluate(whole, null, turn);
        }

        DatasetAnswers Evaluate(PlacedModel model, LoraAdapter? with, int turn) =>
            evaluation.Evaluate(
                model.ForInference(with),
                done => run.OnRows?.Invoke((turn * evaluation.Rows) + done, 2 * evaluation.Rows),
                run.Cancellation
            );

        EvaluationReport Build(DatasetAnswers bare, DatasetAnswers tuned)
        {
            using LinearModel? linear = BaselineScores.TrainLinear(dataset.Train, dataset.Manifest.Labels);
            return evaluation.Report(bare, tuned, training: null, linear);
        }
    }
}

/// <summary>How an evaluation runs.</summary>
/// <param name="Template">The chat template; <c>null</c>: the dataset's.</param>
/// <param name="OnRows">Called with the rows done and all rows, of both models; <c>null</c>: nobody is told.</param>
/// <param name="Cancellation">Ends it between batches.</param>
internal sealed record EvaluationRun(string? Template, Action<int, int>? OnRows, CancellationToken Cancellation);
