using System.Diagnostics;
using Pipeline.Contracts;
using Pipeline.Model.Checkpoints;
using Pipeline.Model.Llama;
using Pipeline.Model.Lora;
using Pipeline.Model.Weights;
using Pipeline.Reporting.Baselines;
using Pipeline.Tokenization;
using Pipeline.Training;
using Pipeline.Training.Batching;
using Pipeline.Training.Faults;
using Pipeline.Training.Stepping;

namespace Pipeline.Worker.Jobs;

/// <summary>
/// Base and dataset to an adapter with its evaluation, as one story: load, evaluate the base, train, evaluate the tuned
/// model, prove and write.
/// </summary>
public sealed class TrainAdapter
{
    private readonly TrainAdapterInput _input;
    private readonly ProgressLog _progress;
    private readonly Action<string>? _onCheckpoint;
    private readonly CancellationToken _cancellation;

    private TrainAdapter(
        TrainAdapterInput input,
        ProgressLog progress,
        Action<string>? onCheckpoint,
        CancellationToken cancellation
    ) => (_input, _progress, _onCheckpoint, _cancellation) = (input, progress, onCheckpoint, cancellation);

    /// <summary>Trains an adapter.</summary>
    /// <param name="input">Base, dataset, settings and where the adapter goes.</param>
    /// <param name="progress">Told of every stage and step.</param>
    /// <param name="onCheckpoint">Called when a checkpoint was written, with its path.</param>
    /// <param name="cancellation">Stops at the next step; a checkpoint is written first.</param>
    /// <returns>The evaluation that was written.</returns>
    /// <exception cref="Pipeline.Model.ModelException">The base cannot be used.</exception>
    /// <exception cref="InvalidDataException">The dataset or tokenizer cannot be used.</exception>
    /// <exception cref="TrainingException">Training cannot start or go on.</exception>
    /// <exception cref="IOException">The adapter cannot be written; nothing of it is left.</exception>
    public static EvaluationReport Run(
        TrainAdapterInput input,
        ProgressLog progress,
        Action<string>? onCheckpoint,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(progress);
        return new TrainAdapter(input, progress, onCheckpoint, cancellation).Run();
    }

    private EvaluationReport Run()
    {
        using Loaded loaded = _progress.Stage(RunStage.Load, 1, Load);

        // Whatever does not fit is reported before the base is evaluated.
        List<EncodedRow> train = Encode(loaded.Dataset.Train, loaded);
        List<EncodedRow> validation = Encode(loaded.Dataset.Validation, loaded);
        TrainingChecks.Require(_input.Training, train, validation.Count);

        using Tuning tuning = Tuning.Begin(loaded.Placed, _input);
        LocalDataset dataset = loaded.Dataset;
        var evaluation = new DatasetEvaluation(dataset, loaded.Encoder, _input.Evaluation);
        DatasetAnswers baseAnswers = Evaluate(
            RunStage.EvaluateBase,
            evaluation,
            () => loaded.Placed.ForInference(null)
        );
        (TrainingOutcome outcome, string engine) = Train(loaded.Placed, tuning.Trained, train, validation);
        DatasetAnswers? championAnswers = null;
        DatasetAnswers tunedAnswers = Evaluate(
            RunStage.EvaluateTuned,
            evaluation,
            tuning.ForInference,
            () =>
                championAnswers = ChampionAnswers.Evaluate(
                    _input,
                    loaded.Placed,
                    dataset,
                    model => Evaluate(RunStage.EvaluateTuned, evaluation, model)
                )
        );
        return _progress.Stage(
            RunStage.Publish,
            1,
            () =>
            {
                using LinearModel? linear = BaselineScores.TrainLinear(dataset.Train, dataset.Manifest.Labels);
                EvaluationReport Build(DatasetAnswers answers, TrainingSummary? summary) =>
                    evaluation.Report(baseAnswers, answers, summary, linear);
                var evaluated = new Evaluated(
                    Build(tunedAnswers, Summarize(outcome, tuning, engine)),
                    linear,
                    championAnswers is null ? null : new(_input.Champion!.Version, Build(championAnswers, null))
                );
                Write(
                    loaded,
                    tuning,
                    evaluated,
                    () => evaluation.StopRate(tunedAnswers, tuning.ForInference, _cancellation)
                );
                return evaluated.Report;
            }
        );
    }

    private Loaded Load()
    {
        LocalDataset dataset = LocalDataset.Read(_input.DatasetDirectory);
        PlacedModel placed = PlacedModel.Load(
            _input.BaseDirectory,
            _input.Training.Method == TrainingMethod.Qlora ? WeightStorage.Nf4 : WeightStorage.Full,
            _input.Gpu,
            PlacedModel.PlainFor(_input.Training)
        );
        try
        {
            return new Loaded(placed, BaseChecks.EncoderOf(_input.BaseDirectory, dataset.Manifest.Template), dataset);
        }
        catch
        {
            placed.Dispose();
            throw;
        }
    }

    private static List<EncodedRow> Encode(IReadOnlyList<Example> rows, Loaded loaded) =>
        [.. rows.Select(r => EncodedRow.From(r, loaded.Encoder, loaded.Placed.Model.Config.MaxPositions))];

    private DatasetAnswers Evaluate(
        RunStage stage,
        DatasetEvaluation evaluation,
        Func<ICausalModel> model,
        Action? afterwards = null
    ) =>
        _progress.Stage(
            stage,
            evaluation.Rows,
            () =>
            {
                DatasetAnswers answers = Evaluate(stage, evaluation, model());
                afterwards?.Invoke();
                return answers;
            }
        );

    private DatasetAnswers Evaluate(RunStage stage, DatasetEvaluation evaluation, ICausalModel model) =>
        evaluation.Evaluate(model, done => _progress.Report(stage, done, evaluation.Rows), _cancellation);

    private (TrainingOutcome Outcome, string Engine) Train(
        PlacedModel placed,
        TrainableTensors trained,
        List<EncodedRow> rows,
        List<EncodedRow> validationRows
    )
    {
        string engine = "";
        var steps = new StepProgress(_progress);
        TrainingRun run = placed.Placed(
            new TrainingRun
            {
                Model = placed.Model,
                Trained = trained,
                Rows = rows,
                ValidationRows = validationRows,
                Settings = _input.Training,
                CheckpointDirectory = _input.CheckpointDirectory,
                OnEngine = name =>
                {
                    engine = placed.WhyPlain is { } why ? $"{name} ({why})" : name;
                    steps.OnEngine(engine);
                },
                OnStep = steps.OnStep,
                OnValidation = steps.OnValidation,
            }
        ) with
        {
            OnCheckpoint = _onCheckpoint,
        };
        TrainingOutcome outcome = _progress.Stage(RunStage.Train, 0, () => TrainingLoop.Train(run, _cancellation));
        return (outcome, engine);
    }

    private TrainingSummary Summarize(TrainingOutcome outcome, Tuning tuning, string engine)
    {
        using Process process = Process.GetCurrentProcess();
        return new TrainingSummary(
            outcome.Steps,
            outcome.Tokens,
            Math.Round(outcome.TokensPerSecond, 1),
            new Dictionary<string, double>(_progress.SecondsPerStage),
            process.PeakWorkingSet64,
            tuning.Trained.Values.NumberOfElements
        )
        {
            Engine = engine,
        };
    }

    private void Write(Loaded loaded, Tuning tuning, Evaluated evaluated, Func<double?> stopRate)
    {
        LlamaConfig config = loaded.Placed.Model.Config;
        var proof = new ProofBuilder(config, tuning, _input, loaded.Dataset, loaded.Encoder);
        var content = new AdapterContent(
            _input,
            tuning,
            loaded.Dataset,
            evaluated.Report,
            _progress.Lines,
            config,
            loaded.Encoder
        )
        {
            Linear = evaluated.Linear,
            Champion = evaluated.Champion,
        };
        AdapterFolder.Write(content, folder => proof.Make(folder, stopRate()));
    }

    private sealed record Evaluated(EvaluationReport Report, LinearModel? Linear, ChampionEvaluation? Champion);

    private sealed record Loaded(PlacedModel Placed, ChatEncoder Encoder, LocalDataset Dataset) : IDisposable
    {
        public void Dispose() => Placed.Dispose();
    }
}
