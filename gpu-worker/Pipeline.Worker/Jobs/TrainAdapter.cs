using System.Diagnostics;
using Pipeline.Contracts;
using Pipeline.Evaluation.Tasks;
using Pipeline.Model.Checkpoints;
using Pipeline.Model.Llama;
using Pipeline.Model.Lora;
using Pipeline.Model.Weights;
using Pipeline.Reporting.Evaluations;
using Pipeline.Tokenization;
using Pipeline.Training;
using Pipeline.Training.Batching;
using Pipeline.Training.Faults;
using Pipeline.Training.Stepping;

namespace Pipeline.Worker.Jobs;

/// <summary>
/// Base and dataset to an adapter with its evaluation: load, ask the base, train, ask the tuned model, write.
/// </summary>
public static class TrainAdapter
{
    /// <summary>Runs a job.</summary>
    /// <param name="job">What to make.</param>
    /// <param name="progress">Told of every stage and step.</param>
    /// <param name="onCheckpoint">Called when a checkpoint was written, with its path.</param>
    /// <param name="cancellation">Stops at the next step; a checkpoint is written first.</param>
    /// <returns>The evaluation that was written.</returns>
    /// <exception cref="Pipeline.Model.ModelException">The base cannot be used.</exception>
    /// <exception cref="InvalidDataException">The dataset or tokenizer cannot be used.</exception>
    /// <exception cref="TrainingException">Training cannot start or go on.</exception>
    /// <exception cref="IOException">The adapter cannot be written; nothing of it is left.</exception>
    public static EvaluationReport Run(
        TrainAdapterInput job,
        ProgressLog progress,
        Action<string>? onCheckpoint,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(job);
        ArgumentNullException.ThrowIfNull(progress);
        (PlacedModel placed, ChatEncoder encoder, LocalDataset dataset) = progress.Stage(
            RunStages.Load,
            1,
            () => Load(job)
        );
        using (placed)
        {
            LlamaConfig config = placed.Model.Config;
            // Whatever does not fit is said before the base is asked anything.
            (List<EncodedRow> rows, List<EncodedRow> validationRows) = (
                Encode(dataset.Train, encoder, config),
                Encode(dataset.Validation, encoder, config)
            );
            TrainingChecks.Require(job.Training, rows, validationRows.Count);
            using Tuning tuning = Tuning.Begin(placed, job);
            var evaluation = new HeldOutEvaluation(
                encoder,
                dataset.Test,
                dataset.Manifest.Labels,
                job.Evaluation.Generate
            );
            IReadOnlyList<ModelAnswer> Ask(string stage, Func<ICausalModel> model) =>
                progress.Stage(
                    stage,
                    dataset.Test.Count,
                    () =>
                        evaluation.Evaluate(
                            model(),
                            done => progress.Report(stage, done, dataset.Test.Count),
                            cancellation
                        )
                );

            IReadOnlyList<ModelAnswer> baseAnswers = Ask(RunStages.EvaluateBase, () => placed.ForInference(null));
            string engine = "";
            TrainingRun run = Run(
                job,
                placed,
                tuning.Trained,
                rows,
                validationRows,
                progress,
                said => engine = said
            ) with
            {
                OnCheckpoint = onCheckpoint,
            };
            TrainingOutcome outcome = progress.Stage(RunStages.Train, 0, () => TrainingLoop.Train(run, cancellation));
            IReadOnlyList<ModelAnswer> tunedAnswers = Ask(RunStages.EvaluateTuned, tuning.ForInference);
            return progress.Stage(
                RunStages.Publish,
                1,
                () =>
                {
                    var summary = new TrainingSummary(
                        outcome.Steps,
                        outcome.Tokens,
                        Math.Round(outcome.TokensPerSecond, 1),
                        new Dictionary<string, double>(progress.SecondsPerStage),
                        PeakMemory(),
                        tuning.Trained.Values.NumberOfElements
                    )
                    {
                        Engine = engine,
                    };
                    EvaluationReport report = EvaluationBuilder.Build(
                        dataset.Manifest,
                        dataset.Train,
                        dataset.Test,
                        baseAnswers,
                        tunedAnswers,
                        job.Evaluation,
                        summary
                    );
                    var proof = new ProofBuilder(config, tuning, job, dataset, encoder);
                    AdapterFolder.Write(
                        job,
                        tuning,
                        dataset,
                        report,
                        progress.Lines,
                        config,
                        encoder,
                        folder => proof.Make(folder, StopRate(evaluation, tuning, tunedAnswers, cancellation))
                    );
                    return report;
                }
            );
        }
    }

    /// <summary>Of the answers written for the evaluation, or where it wrote none, of some written now.</summary>
    private static double? StopRate(
        HeldOutEvaluation evaluation,
        Tuning tuning,
        IReadOnlyList<ModelAnswer> answers,
        CancellationToken cancellation
    ) =>
        answers[0].Text is not null
            ? answers.Average(a => a.Stopped ? 1.0 : 0)
            : evaluation.StopRate(tuning.ForInference(), cancellation);

    private static (PlacedModel Placed, ChatEncoder Encoder, LocalDataset Dataset) Load(TrainAdapterInput job)
    {
        LocalDataset dataset = LocalDataset.Read(job.DatasetDirectory);
        PlacedModel placed = PlacedModel.Load(
            job.BaseDirectory,
            job.Training.Method == TrainingSettings.Qlora ? WeightStorage.Nf4 : WeightStorage.Full,
            job.Gpu,
            PlacedModel.PlainFor(job.Training)
        );
        try
        {
            ChatEncoder encoder = ChatEncoder.FromDirectory(job.BaseDirectory, dataset.Manifest.Template);
            return encoder.Tokenizer.VocabularySize <= placed.Model.Config.VocabularySize
                ? (placed, encoder, dataset)
                : throw new InvalidDataException(
                    $"The tokenizer in '{job.BaseDirectory}' has {encoder.Tokenizer.VocabularySize} ids where the model has {placed.Model.Config.VocabularySize}."
                );
        }
        catch
        {
            placed.Dispose();
            throw;
        }
    }

    private static List<EncodedRow> Encode(IReadOnlyList<Example> rows, ChatEncoder encoder, LlamaConfig config) =>
        [.. rows.Select(r => EncodedRow.From(r, encoder, config.MaxPositions))];

    private static TrainingRun Run(
        TrainAdapterInput job,
        PlacedModel placed,
        TrainableTensors trained,
        List<EncodedRow> rows,
        List<EncodedRow> validationRows,
        ProgressLog progress,
        Action<string> onEngine
    )
    {
        TrainingStep? last = null;
        return placed.Placed(
            new TrainingRun
            {
                Model = placed.Model,
                Trained = trained,
                Rows = rows,
                ValidationRows = validationRows,
                Settings = job.Training,
                CheckpointDirectory = job.CheckpointDirectory,
                OnEngine = engine =>
                {
                    engine = placed.WhyPlain is { } why ? $"{engine} ({why})" : engine;
                    onEngine(engine);
                    progress.Report(
                        new TrainingProgress
                        {
                            Stage = RunStages.Train,
                            At = progress.Now(),
                            Note = $"computed by {engine}",
                        }
                    );
                },
                OnStep = step =>
                {
                    last = step;
                    progress.Report(
                        new TrainingProgress
                        {
                            Stage = RunStages.Train,
                            At = progress.Now(),
                            Done = step.Step,
                            Total = step.Total,
                            Loss = step.Loss,
                            GradientNorm = step.GradientNorm,
                            LearningRate = step.LearningRate,
                            TokensPerSecond = step.TokensPerSecond,
                        }
                    );
                },
                OnValidation = (step, loss) =>
                    progress.Report(
                        new TrainingProgress
                        {
                            Stage = RunStages.Train,
                            At = progress.Now(),
                            Done = step,
                            Total = last?.Total ?? step,
                            ValidationLoss = loss,
                            TokensPerSecond = last?.TokensPerSecond,
                        }
                    ),
            }
        );
    }

    private static long PeakMemory()
    {
        using Process process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64;
    }
}
