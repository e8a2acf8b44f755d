using Pipeline.Contracts;
using Pipeline.Model;
using Pipeline.Model.Adapters;
using Pipeline.Model.Llama;
using Pipeline.Reporting.Evaluations;

namespace Pipeline.Worker.Jobs;

/// <summary>
/// The champion's answers to a newer version's held-out rows and guard set: figures of different rows are never
/// compared, so the champion answers the newer ones on the base that is in memory.
/// </summary>
internal static class ChampionAnswers
{
    /// <summary>Files of the champion that are needed.</summary>
    public static IReadOnlyList<string> Files { get; } =
    [BlobLayout.AdapterWeightsFile, BlobLayout.AdapterConfigFile, BlobLayout.EvaluationFile, BlobLayout.TrainingFile];

    /// <summary>Lets the champion answer.</summary>
    /// <param name="input">The job.</param>
    /// <param name="placed">Its base.</param>
    /// <param name="dataset">Its dataset.</param>
    /// <param name="evaluate">Answers of a model to the held-out rows.</param>
    /// <returns>
    /// <c>null</c>: there is no champion, it has answered all these rows before, or it cannot be asked on this base: it
    /// was trained on another one or with another method, or as a whole model. The gate then compares the rows that
    /// both have answered, and says how many.
    /// </returns>
    public static DatasetAnswers? Evaluate(
        TrainAdapterInput input,
        PlacedModel placed,
        LocalDataset dataset,
        Func<ICausalModel, DatasetAnswers> evaluate
    )
    {
        if (
            input.Champion is not { } champion
            || input.Training.Method == TrainingMethod.Full
            || Files.Any(f => !File.Exists(Path.Combine(champion.Directory, f)))
        )
        {
            return null;
        }

        EvaluationReport known = Read<EvaluationReport>(champion, BlobLayout.EvaluationFile);
        TrainingSettings training = Read<TrainingSettings>(champion, BlobLayout.TrainingFile);
        if (
            known.Base != dataset.Manifest.Base
            || training.Method != input.Training.Method
            || (HasAnswered(known.Outcomes, dataset.Test) && HasAnswered(known.Guard?.Outcomes, dataset.Guard))
        )
        {
            return null;
        }

        LoraAdapter adapter;
        try
        {
            adapter = PeftAdapterFiles.Read(champion.Directory, placed.Model);
        }
        catch (Exception fault) when (fault is ModelException or InvalidDataException)
        {
            return null; // its base has changed under the same name: no reason to lose what was trained
        }

        using (adapter)
        {
            return evaluate(placed.ForInference(adapter));
        }
    }

    private static bool HasAnswered(IReadOnlyList<RowOutcome>? known, IReadOnlyList<Example> rows)
    {
        HashSet<(string, string)> answered = [.. (known ?? []).Select(o => (o.TextHash, o.Gold))];
        return rows.All(r => answered.Contains((EvaluationBuilder.TextHash(r), r.Messages[^1].Content.Trim())));
    }

    private static T Read<T>(ChampionInput champion, string file) =>
        ContractJson.Read<T>(File.ReadAllBytes(Path.Combine(champion.Directory, file)));
}
