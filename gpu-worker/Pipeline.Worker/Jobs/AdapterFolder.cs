using System.Globalization;
using Pipeline.Contracts;
using Pipeline.Model.Checkpoints;
using Pipeline.Reporting.Baselines;
using Pipeline.Reporting.Pages;
using Pipeline.Tokenization;
using Pipeline.Training.Faults;
using TorchSharp;

namespace Pipeline.Worker.Jobs;

/// <summary>Writes everything that makes a published adapter into a folder, whole or not at all.</summary>
internal static class AdapterFolder
{
    /// <summary>Writes the folder.</summary>
    /// <exception cref="TrainingException">The adapter does not pass its proof; nothing is left but the message, which
    /// names the checks.</exception>
    /// <exception cref="IOException">The folder cannot be written; nothing of it is left.</exception>
    public static void Write(AdapterContent content, Func<string, AdapterProof> prove)
    {
        string target = content.Input.OutputDirectory;
        using var output = OutputFolder.Begin(target);
        string partial = output.Partial;
        try
        {
            content.Tuning.Write(partial, content.BaseName);
            AdapterProof proof = prove(partial);
            if (!proof.Passed())
            {
                string failures = string.Join("; ", proof.Checks.Where(c => !c.Passed).Select(Failure));
                throw new TrainingException($"The adapter is not published, it does not pass its proof: {failures}.");
            }

            WriteJson(partial, BlobLayout.ProofFile, proof);
            WriteDocuments(partial, content);
            WriteTensorBoard(Path.Combine(partial, "tensorboard"), content.Progress);
            output.End();
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new IOException(
                $"The adapter cannot be written to '{target}': {fault.Message} Nothing of it was left there.",
                fault
            );
        }
    }

    private static void WriteDocuments(string folder, AdapterContent content)
    {
        (TrainAdapterInput input, LocalDataset dataset) = (content.Input, content.Dataset);
        double rate = input.Training.LearningRateFor(content.Config.HiddenSize);
        WriteJson(folder, BlobLayout.TemplateFile, Rendering(content.Encoder, dataset.Test[0].Messages));
        WriteJson(folder, BlobLayout.GenerationConfigFile, GenerationConfig(content.Encoder));
        WriteJson(folder, BlobLayout.EvaluationFile, content.Report);
        if (content.Champion is { } champion)
        {
            WriteJson(folder, BlobLayout.ChampionFile, champion);
        }

        if (content.Linear is { } linear)
        {
            using FileStream file = File.Create(Path.Combine(folder, BlobLayout.LinearModelFile));
            linear.WriteOnnx(file);
        }

        WriteJson(folder, BlobLayout.TrainingFile, input.Training with { LearningRate = rate });
        File.WriteAllText(
            Path.Combine(folder, BlobLayout.ReportFile),
            EvaluationReportPage.Write(
                input.Title,
                content.Report,
                dataset.Manifest,
                dataset.Test,
                dataset.Guard,
                LossCurve.Svg(content.Progress)
            )
        );
        File.WriteAllText(
            Path.Combine(folder, BlobLayout.ModelCardFile),
            ModelCard(input.Title, content.BaseName, content.Tuning.Card, content.Report, dataset.Manifest)
        );
    }

    private static string Failure(ProofCheck check) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"'{check.Name}' came to {check.Value:0.######} where {check.Limit:0.######} is the limit ({check.Detail})"
        );

    private static void WriteJson<T>(string directory, string name, T content) =>
        File.WriteAllBytes(Path.Combine(directory, name), ContractJson.WriteUtf8(content, indented: true));

    private static TemplateRendering Rendering(ChatEncoder encoder, IReadOnlyList<ChatMessage> messages)
    {
        EncodedChat encoded = encoder.Encode(messages);
        ChatMessage[] prompt = [.. messages.SkipLast(1)];
        string text = encoder.Template.Render(messages);
        return new TemplateRendering(
            encoder.Template.Name,
            messages,
            text,
            encoded.Ids,
            [.. encoded.LossMask.Select(m => (int)m)],
            encoder.Template.Render(prompt),
            encoder.Encode(prompt).Ids,
            encoder.StopIds,
            ContentHash.Sha256(System.Text.Encoding.UTF8.GetBytes($"{text}\n{string.Join(' ', encoded.Ids)}"))
        );
    }

    /// <summary>
    /// What servers read to know where an answer ends. Keys are transformers'
    /// (<c>generation/configuration_utils.py</c>).
    /// </summary>
    private static SortedDictionary<string, object> GenerationConfig(ChatEncoder encoder)
    {
        var config = new SortedDictionary<string, object>(StringComparer.Ordinal)
        {
            ["do_sample"] = false,
            ["eos_token_id"] = encoder.StopIds,
        };
        if (encoder.Template.BeginToken is { } begin)
        {
            config["bos_token_id"] = encoder.Tokenizer.Controls[begin];
        }

        return config;
    }

    private static void WriteTensorBoard(string directory, IReadOnlyList<TrainingProgress> progress)
    {
        var writer = torch.utils.tensorboard.SummaryWriter(directory, createRunName: false);
        foreach (
            TrainingProgress line in LossCurve
                .Once(progress.Where(p => p.Loss is not null))
                .Concat(LossCurve.Once(progress.Where(p => p.ValidationLoss is not null)))
        )
        {
            if (line.Loss is { } loss)
            {
                writer.add_scalar("train/loss", (float)loss, line.Done);
                writer.add_scalar("train/learning_rate", (float)line.LearningRate!.Value, line.Done);
                writer.add_scalar("train/gradient_norm", (float)line.GradientNorm!.Value, line.Done);
            }
            else
            {
                writer.add_scalar("validation/loss", (float)line.ValidationLoss!.Value, line.Done);
            }
        }
    }

    private static string ModelCard(
        string title,
        string baseName,
        (string Library, string Tag) card,
        EvaluationReport report,
        DatasetManifest manifest
    ) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"""
            ---
            base_model: {baseName}
            library_name: {card.Library}
            tags: [{card.Tag}, {manifest.Task}]
            ---
            # {title}

            {EvaluationVerdict.PlaceInCard}

            {EvaluationVerdict.Text(report)}

            | | base | tuned |
            |---|---|---|
            | {EvaluationReportPage.MetricName(
                report.ScoreName
            ).ToLowerInvariant()} | {report.BaseScore.Score:0.0000} | {report.TunedScore.Score:0.0000} |
            | perplexity of the gold answer, a token | {report.BaseScore.Perplexity:0.000} | {report.TunedScore.Perplexity:0.000} |

            Dataset {manifest.DatasetId}: {manifest.Rows.Train} rows to train, {manifest.Rows.Validation} to validate, {manifest.Rows.Test} held out.
            Prompts follow the template `{manifest.Template}`{(
                manifest.SystemPrompt.Length == 0 ? ", without a system prompt." : ", with this system prompt:"
            )}

            {string.Join('\n', manifest.SystemPrompt.Split('\n').Select(line => "    " + line))}
            {LinearCard(report)}

            """
        );

    private static string LinearCard(EvaluationReport report) =>
        report.Baselines.GetValueOrDefault(Baseline.Linear) is { } linear
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"""

                Beside it lies `{BlobLayout.LinearModelFile}`, a linear model of the same rows in ONNX (accuracy
                {linear.Accuracy:0.0000}): its input `Text` is a text in lower case with a blank around every sign but
                letters, digits and apostrophes, its outputs are the label and the labels' probabilities.
                """
            )
            : "";
}

/// <summary>What an adapter's folder is made of.</summary>
/// <param name="Input">Settings, title and where it goes.</param>
/// <param name="Tuning">Writes the weights.</param>
/// <param name="Dataset">What was trained and evaluated on.</param>
/// <param name="Report">The evaluation.</param>
/// <param name="Progress">Every line of progress.</param>
/// <param name="Config">The base's.</param>
/// <param name="Encoder">The base's.</param>
internal sealed record AdapterContent(
    TrainAdapterInput Input,
    Tuning Tuning,
    LocalDataset Dataset,
    EvaluationReport Report,
    IReadOnlyList<TrainingProgress> Progress,
    LlamaConfig Config,
    ChatEncoder Encoder
)
{
    /// <summary>The champion on the same held-out rows; <c>null</c>: there is none, or it was not asked.</summary>
    public ChampionEvaluation? Champion { get; init; }

    /// <summary>The linear model of the same rows; <c>null</c>: there is none.</summary>
    public LinearModel? Linear { get; init; }

    /// <summary>The base's name: its folder's.</summary>
    public string BaseName =>
        Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(Input.BaseDirectory)));
}
