using System.Diagnostics;
using System.Security.Cryptography;
using Pipeline.Contracts;
using Pipeline.Evaluation.Tasks;
using Pipeline.Export;
using Pipeline.Export.Gguf;
using Pipeline.Export.LlamaCpp;
using Pipeline.Model.Checkpoints;
using Pipeline.Model.Weights;
using Pipeline.Reporting.Evaluations;
using Pipeline.Reporting.Tasks;
using Pipeline.Tokenization;

namespace Pipeline.Worker.Jobs;

/// <summary>
/// A merged model as GGUF files, each evaluated by llama.cpp on the same held-out rows. Refused where llama.cpp's
/// tokenizer and ours encode any text of the dataset differently.
/// </summary>
/// <param name="directory">The merged model's folder.</param>
/// <param name="dataset">On whose held-out rows they are evaluated.</param>
/// <param name="encoder">The one encoder of training and evaluation.</param>
/// <param name="cancellation">Ends it between rows.</param>
internal sealed class GgufExport(
    string directory,
    LocalDataset dataset,
    ChatEncoder encoder,
    CancellationToken cancellation
)
{
    private readonly LlamaConfig _config = LlamaConfig.FromDirectory(directory);
    private readonly DatasetManifest _manifest = dataset.Manifest;
    private readonly EvaluationSettings _settings = dataset.Manifest.Settings.Evaluation;
    private readonly HeldOutEvaluation _evaluation = new(
        encoder,
        dataset.Test,
        dataset.Manifest.Labels,
        dataset.Manifest.Settings.Evaluation.Generate
    );

    /// <summary>Writes and evaluates the files.</summary>
    /// <param name="name">The model's name for people.</param>
    /// <param name="numbers">Numbers of the file that is not quantised.</param>
    /// <param name="forms">Quantised forms, of <see cref="GgufQuantizer.Names"/>; empty: none.</param>
    /// <param name="folder">Takes the files; it exists.</param>
    /// <exception cref="InvalidDataException">A form cannot be made, or the tokenizers disagree.</exception>
    public ExportReport Write(string name, GgufNumbers numbers, IReadOnlyList<string> forms, string folder)
    {
        IReadOnlyList<ModelAnswer> merged;
        using (PlacedModel read = PlacedModel.Load(directory, WeightStorage.Full, null, AdapterBase.InFloat32))
        {
            merged = _evaluation.Evaluate(read.ForInference(null), null, cancellation);
        }

        string path = Path.Combine(folder, $"model-{numbers}.gguf");
        GgufModel.Write(directory, encoder, name, numbers, path);
        int texts = RequireSameTokens(path);
        List<ExportedFile> files = [Evaluate(path, numbers.ToString(), merged)];
        string source = Path.Combine(folder, "source.gguf");
        foreach (string form in forms)
        {
            if (!File.Exists(source))
            {
                GgufModel.Write(directory, encoder, name, GgufNumbers.F32, source, GgufQuantizer.BlockSize);
            }

            string quantized = Path.Combine(folder, $"model-{form}.gguf");
            GgufQuantizer.Quantize(source, quantized, form);
            files.Add(Evaluate(quantized, form, merged));
        }

        File.Delete(source);
        return new ExportReport
        {
            Base = _manifest.Base,
            DatasetId = _manifest.DatasetId,
            Template = encoder.Template.Name,
            Rows = dataset.Test.Count,
            ScoreName = TaskScoring.For(_manifest.Task, _manifest.Labels).ScoreName,
            Score = ScoreOf(merged),
            TextsEncodedAlike = texts,
            Files = files,
            Notes = [.. Notes(forms.Count > 0)],
        };
    }

    private ExportedFile Evaluate(string path, string form, IReadOnlyList<ModelAnswer> merged)
    {
        using LlamaCppModel model = Open(path);
        long started = Stopwatch.GetTimestamp();
        IReadOnlyList<ModelAnswer> answers = _evaluation.Evaluate(model, null, cancellation);
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        using FileStream bytes = File.OpenRead(path);
        string sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes));
        return new ExportedFile(Path.GetFileName(path), form, bytes.Length, sha256)
        {
            SameAnswers = answers.Zip(merged).Count(p => p.First.Answer == p.Second.Answer),
            Score = ScoreOf(answers),
            LargestDifference = answers
                .Zip(merged)
                .Max(p => Math.Abs(p.First.GoldLogLikelihood - p.Second.GoldLogLikelihood)),
            TokensPerSecond = Math.Round(dataset.Test.Sum(r => encoder.Encode(r.Messages).Ids.Count) / seconds, 1),
            WeightBytes = model.WeightBytes,
        };
    }

    private double ScoreOf(IReadOnlyList<ModelAnswer> answers) =>
        EvaluationBuilder.Score(_manifest, dataset.Test, answers, _settings).Score;

    private LlamaCppModel Open(string path) => LlamaCppModel.Open(path, GgufModel.Positions(_config));

    /// <summary>A server of llama.cpp's encodes texts by itself: it must come to our ids.</summary>
    /// <returns>Texts that were compared.</returns>
    private int RequireSameTokens(string path)
    {
        using LlamaCppModel model = Open(path);
        int texts = 0;
        foreach (Example row in dataset.Train.Concat(dataset.Validation).Concat(dataset.Test).Concat(dataset.Guard))
        {
            foreach (string text in row.Messages.Select(m => m.Content))
            {
                texts++;
                if (!encoder.Tokenizer.Encode(text).SequenceEqual(model.Tokenize(text)))
                {
                    throw new InvalidDataException(
                        $"Row {row.Id}: llama.cpp's tokenizer gives other ids for a text of it than the base's. A "
                            + "server would give the model prompts of another form than it was trained on; nothing was "
                            + "exported."
                    );
                }
            }
        }

        return texts;
    }

    private IEnumerable<string> Notes(bool isQuantized)
    {
        if (isQuantized && _config.IntermediateSize % GgufQuantizer.BlockSize > 0)
        {
            yield return $"The feed-forward of {_config.IntermediateSize} is not a multiple of "
                + $"{GgufQuantizer.BlockSize}, the blocks of the quantised forms; it is padded with zeros in those "
                + "files, which changes no answer.";
        }

        if (GgufModel.Positions(_config) < _config.MaxPositions)
        {
            yield return "llama.cpp knows no attention window of this model: at most "
                + $"{GgufModel.Positions(_config)} tokens are answered as here.";
        }

        if (ChatTemplateText.For(encoder.Template, directory) is null)
        {
            yield return $"The files hold no chat template: no text is known that renders {encoder.Template.Name} as "
                + "this model has learned it. Apply it yourself.";
        }
    }
}
