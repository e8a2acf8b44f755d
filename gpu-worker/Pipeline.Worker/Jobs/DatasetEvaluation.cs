using Pipeline.Contracts;
using Pipeline.Evaluation.Tasks;
using Pipeline.Model.Llama;
using Pipeline.Reporting.Baselines;
using Pipeline.Reporting.Evaluations;
using Pipeline.Tokenization;

namespace Pipeline.Worker.Jobs;

/// <summary>What models answer on a dataset's held-out rows and on its guard set, encoded once.</summary>
internal sealed class DatasetEvaluation
{
    private readonly LocalDataset _dataset;
    private readonly EvaluationSettings _settings;
    private readonly HeldOutEvaluation _test;
    private readonly HeldOutEvaluation? _guard;

    public DatasetEvaluation(LocalDataset dataset, ChatEncoder encoder, EvaluationSettings settings)
    {
        (_dataset, _settings) = (dataset, settings);
        DatasetManifest manifest = dataset.Manifest;
        _test = new HeldOutEvaluation(encoder, dataset.Test, manifest.Labels, settings.Generate);
        _guard =
            dataset.Guard.Count > 0
                ? new HeldOutEvaluation(encoder, dataset.Guard, LabelsOf(manifest), settings.Generate)
                : null;
    }

    /// <summary>How many rows are evaluated.</summary>
    public int Rows => _test.Rows + (_guard?.Rows ?? 0);

    /// <summary>Evaluates a model.</summary>
    /// <param name="model">With or without its adapter.</param>
    /// <param name="onRows">Called with the number of rows done.</param>
    /// <param name="cancellation">Ends the work between batches.</param>
    public DatasetAnswers Evaluate(ICausalModel model, Action<int>? onRows, CancellationToken cancellation) =>
        new(
            _test.Evaluate(model, onRows, cancellation),
            _guard?.Evaluate(model, done => onRows?.Invoke(_test.Rows + done), cancellation)
        );

    /// <summary>
    /// Share of held-out prompts whose written answer ends by itself: of the answers generated for the evaluation, or
    /// where it generated none, of some generated now.
    /// </summary>
    /// <param name="answers">The model's.</param>
    /// <param name="model">Asked where they were not generated.</param>
    /// <param name="cancellation">Ends the work between batches.</param>
    public double? StopRate(DatasetAnswers answers, Func<ICausalModel> model, CancellationToken cancellation) =>
        answers.Test[0].Text is not null
            ? answers.Test.Average(a => a.Stopped ? 1.0 : 0)
            : _test.StopRate(model(), cancellation);

    /// <summary>The report of two models.</summary>
    /// <param name="bare">The base's answers.</param>
    /// <param name="tuned">The tuned model's answers.</param>
    /// <param name="training">What the training cost; <c>null</c>: nothing was trained.</param>
    /// <param name="linear">The linear model of the same rows; <c>null</c>: there is none.</param>
    public EvaluationReport Report(
        DatasetAnswers bare,
        DatasetAnswers tuned,
        TrainingSummary? training,
        LinearModel? linear
    )
    {
        DatasetManifest manifest = _dataset.Manifest;
        return EvaluationBuilder.Build(
            manifest,
            _dataset.Train,
            new AnsweredRows(_dataset.Test, bare.Test, tuned.Test),
            _settings,
            training,
            linear
        ) with
        {
            Guard = _guard is null
                ? null
                : EvaluationBuilder.Guard(
                    manifest.Guard!.Task,
                    LabelsOf(manifest),
                    new AnsweredRows(_dataset.Guard, bare.Guard!, tuned.Guard!)
                ),
        };
    }

    /// <summary>Labels of the guard set's answers; none where it is of another task.</summary>
    private static IReadOnlyList<string> LabelsOf(DatasetManifest manifest) =>
        manifest.Guard!.Task == manifest.Task ? manifest.Labels : [];
}

/// <summary>A model's answers, one a row, in order.</summary>
/// <param name="Test">To the held-out rows.</param>
/// <param name="Guard">To the guard set; <c>null</c>: there is none.</param>
internal sealed record DatasetAnswers(IReadOnlyList<ModelAnswer> Test, IReadOnlyList<ModelAnswer>? Guard);
