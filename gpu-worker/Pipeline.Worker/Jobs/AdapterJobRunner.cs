using System.Diagnostics;
using Pipeline.Contracts;
using Pipeline.Evaluation.Tasks;
using Pipeline.Model.Adapters;
using Pipeline.Model.Llama;
using Pipeline.Reporting.Evaluations;
using Pipeline.Tokenization;
using Pipeline.Training;
using Pipeline.Training.Batching;

namespace Pipeline.Worker.Jobs;

/// <summary>Base and dataset to an adapter with its evaluation: load, ask the base, train, ask the tuned model, write.</summary>
public static class AdapterJobRunner
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
    public static EvaluationReport Run(AdapterJob job, ProgressLog progress, Action<string>? onCheckpoint, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(job);
        ArgumentNullException.ThrowIfNull(progress);
        (LlamaModel model, ChatEncoder encoder, LocalDataset dataset) = progress.Stage(ProgressLog.Load, 1, () => Load(job));
        using (model)
        {
            // Whatever does not fit is said before the base is asked anything.
            (List<EncodedRow> rows, List<EncodedRow> validationRows) = (Encode(dataset.Train, encoder, model), Encode(dataset.Validation, encoder, model));
            TrainingChecks.Require(job.Training, rows, validationRows.Count);
            using Tuning tuning = Tuning.Begin(model, job);
            var evaluation = new HeldOutEvaluation(encoder, dataset.Test, dataset.Manifest.Labels, job.Evaluation.Generate);
            IReadOnlyList<ModelAnswer> Ask(string stage) => progress.Stage(stage, dataset.Test.Count, () => evaluation.Ask(model, done => progress.Report(stage, done, dataset.Test.Count), cancellation));

            IReadOnlyList<ModelAnswer> baseAnswers = Ask(ProgressLog.EvaluateBase);
            tuning.BeginTraining();
            TrainingOutcome outcome = progress.Stage(ProgressLog.Train, 0, () => Train(job, model, tuning.Trained, rows, validationRows, progress, onCheckpoint, cancellation));
            tuning.BeginAsking();
            IReadOnlyList<ModelAnswer> tunedAnswers = Ask(ProgressLog.EvaluateTuned);
            return progress.Stage(ProgressLog.Publish, 1, () =>
            {
                var summary = new TrainingSummary(
                    outcome.Steps, outcome.Tokens, Math.Round(outcome.TokensPerSecond, 1), new Dictionary<string, double>(progress.SecondsPerStage), PeakMemory(), tuning.Trained.Values.NumberOfElements);
                EvaluationReport report = EvaluationBuilder.Build(dataset.Manifest, dataset.Train, dataset.Test, baseAnswers, tunedAnswers, job.Evaluation, summary);
                var proof = new ProofMaker(model, tuning, job, dataset, encoder);
                AdapterFolder.Write(job, tuning, dataset, report, progress.Lines, model.Config, encoder, folder => proof.Make(folder, StopRate(evaluation, model, tunedAnswers, cancellation)));
                return report;
            });
        }
    }

    /// <summary>Of the answers written for the evaluation, or where it wrote none, of some written now.</summary>
    private static double? StopRate(HeldOutEvaluation evaluation, LlamaModel model, IReadOnlyList<ModelAnswer> answers, CancellationToken cancellation) =>
        answers[0].Text is not null ? answers.Average(a => a.Stopped ? 1.0 : 0) : evaluation.StopRate(model, cancellation);

    private static (LlamaModel Model, ChatEncoder Encoder, LocalDataset Dataset) Load(AdapterJob job)
    {
        LocalDataset dataset = LocalDataset.Read(job.DatasetDirectory);
        LlamaModel model = LlamaModel.Load(job.BaseDirectory, job.Training.Method == TrainingSettings.Qlora ? WeightStorage.Nf4 : WeightStorage.Full);
        try
        {
            ChatEncoder encoder = ChatEncoder.FromDirectory(job.BaseDirectory, dataset.Manifest.Template);
            return encoder.Tokenizer.VocabularySize <= model.Config.VocabularySize
                ? (model, encoder, dataset)
                : throw new InvalidDataException($"The tokenizer in '{job.BaseDirectory}' has {encoder.Tokenizer.VocabularySize} ids where the model has {model.Config.VocabularySize}.");
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    private static List<EncodedRow> Encode(IReadOnlyList<Example> rows, ChatEncoder encoder, LlamaModel model) => [.. rows.Select(r => EncodedRow.From(r, encoder, model.Config.MaxPositions))];

    private static TrainingOutcome Train(
        AdapterJob job, LlamaModel model, TrainableTensors trained, List<EncodedRow> rows, List<EncodedRow> validationRows, ProgressLog progress, Action<string>? onCheckpoint, CancellationToken cancellation)
    {
        TrainingStep? last = null;
        return TrainingLoop.Train(
            new TrainingRun
            {
                Model = model,
                Trained = trained,
                Rows = rows,
                ValidationRows = validationRows,
                Settings = job.Training,
                CheckpointDirectory = job.CheckpointDirectory,
                OnCheckpoint = onCheckpoint,
                OnStep = step =>
                {
                    last = step;
                    progress.Report(new TrainingProgress
                    {
                        Stage = ProgressLog.Train, At = progress.Now(), Done = step.Step, Total = step.Total, Loss = step.Loss,
                        GradientNorm = step.GradientNorm, LearningRate = step.LearningRate, TokensPerSecond = step.TokensPerSecond,
                    });
                },
                OnValidation = (step, loss) => progress.Report(new TrainingProgress
                {
                    Stage = ProgressLog.Train, At = progress.Now(), Done = step, Total = last?.Total ?? step, ValidationLoss = loss, TokensPerSecond = last?.TokensPerSecond,
                }),
            },
            cancellation);
    }

    private static long PeakMemory()
    {
        using Process process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64;
    }
}
