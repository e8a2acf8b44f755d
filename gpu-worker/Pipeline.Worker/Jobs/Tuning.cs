using Pipeline.Contracts;
using Pipeline.Model.Checkpoints;
using Pipeline.Model.Llama;
using Pipeline.Model.Lora;

namespace Pipeline.Worker.Jobs;

/// <summary>What a run trains on its base and how that is written and proven: an adapter, or all weights.</summary>
internal abstract class Tuning : IDisposable
{
    /// <summary>Begins as the settings say.</summary>
    /// <exception cref="Pipeline.Model.ModelException">The base cannot be tuned this way.</exception>
    public static Tuning Begin(PlacedModel placed, TrainAdapterInput job) =>
        job.Training.Method == TrainingMethod.Full
            ? new FullTuning(placed, job)
            : new AdapterTuning(placed, job.Training);

    /// <summary>What the optimizer changes.</summary>
    public abstract TrainableTensors Trained { get; }

    /// <summary>The file of the published weights.</summary>
    public abstract string WeightsFile { get; }

    /// <summary>The library that loads what is published, and the kind of tuning, for the model card.</summary>
    public abstract (string Library, string Tag) Card { get; }

    /// <summary>The tuned model as it is now, to be asked; good until another one is.</summary>
    public abstract ICausalModel ForInference();

    /// <summary>Writes weights and configuration.</summary>
    /// <param name="directory">A folder that exists.</param>
    /// <param name="baseName">The base's name.</param>
    public abstract void Write(string directory, string baseName);

    /// <summary>Whether all that was to be trained has moved.</summary>
    public abstract ProofCheck Moved();

    /// <summary>
    /// What the weight file must hold, each as <c>name dtype [shape]</c>, worked out apart from how it was written.
    /// </summary>
    public abstract (string Check, IReadOnlySet<string> Tensors) Expected();

    /// <summary>
    /// Calls back with the base as it was, the tuned model as it lies in a folder, and the tuned model as it is.
    /// </summary>
    /// <returns>What was given back for the three.</returns>
    public abstract (T Bare, T Read, T Tuned) Compare<T>(string directory, Func<ICausalModel, T> ask);

    public abstract void Dispose();

    /// <summary>What is in a weight file, in the form of <see cref="Expected"/>.</summary>
    public static IReadOnlySet<string> Written(string path)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        return file
            .Entries.Values.Select(e => $"{e.Name} {e.Dtype} [{string.Join(", ", e.Shape)}]")
            .ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>A check that passes when nothing is named.</summary>
    public static ProofCheck NoneOf(string name, IReadOnlyCollection<string> wrong, string right) =>
        new(name, wrong.Count == 0, wrong.Count, 0, wrong.Count == 0 ? right : string.Join("; ", wrong.Take(5)));
}
