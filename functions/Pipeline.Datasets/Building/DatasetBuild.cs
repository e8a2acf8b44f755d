using Pipeline.Contracts;

namespace Pipeline.Datasets.Building;

/// <summary>A dataset in a folder, or as much of it as could be made.</summary>
/// <param name="Manifest">Every row accounted for.</param>
/// <param name="Folder">Where its files lie, the manifest among them.</param>
/// <param name="Fault">Why nothing can be trained on it, or <c>null</c>; the rejected rows are there all the
/// same.</param>
/// <param name="Audit">What training will see.</param>
public sealed record DatasetBuild(DatasetManifest Manifest, string Folder, DatasetException? Fault, DatasetAudit Audit)
{
    /// <summary>The files' names, the manifest's last.</summary>
    public IEnumerable<string> Files => Manifest.Files.Keys.Append(BlobLayout.ManifestFile);
}
