using Pipeline.Contracts;

namespace Pipeline.Registry.Comparison;

/// <summary>What is read of a version to compare it.</summary>
/// <param name="Entry">Its entry in the registry.</param>
/// <param name="Evaluation">Its evaluation: of the older version on the newer one's rows, where there is one.</param>
/// <param name="Manifest">Its dataset's manifest; <c>null</c>: the dataset is gone.</param>
/// <param name="Training">Its training settings as applied; <c>null</c>: they are not there.</param>
/// <param name="Proof">Its proof; <c>null</c>: it is not there.</param>
public sealed record VersionFiles(
    VersionEntry Entry,
    EvaluationReport Evaluation,
    DatasetManifest? Manifest,
    TrainingSettings? Training,
    AdapterProof? Proof
)
{
    /// <summary>Hashes of what its training rows ask; <c>null</c>: they are not known.</summary>
    public IReadOnlySet<string>? TrainedOn { get; init; }
}
