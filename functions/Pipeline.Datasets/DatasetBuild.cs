using Pipeline.Contracts;

namespace Pipeline.Datasets;

/// <summary>A dataset as files, or as much of it as could be made.</summary>
/// <param name="Manifest">Every row accounted for.</param>
/// <param name="Files">The files by name, the manifest among them.</param>
/// <param name="Fault">Why nothing can be trained on it, or <c>null</c>; the rejected rows are there all the same.</param>
/// <param name="Audit">What training will see.</param>
public sealed record DatasetBuild(DatasetManifest Manifest, IReadOnlyDictionary<string, byte[]> Files, DatasetException? Fault, DatasetAudit Audit);
