using Pipeline.Contracts;
using Pipeline.Model;

namespace Pipeline.Worker.Queue;

/// <summary>Where bases lie, by name.</summary>
/// <param name="folders">Folders that hold bases, separated as in PATH.</param>
public sealed class BaseFolders(string folders)
{
    /// <summary>The folder of a base.</summary>
    /// <exception cref="ModelException">There is no such base.</exception>
    public string Find(string name)
    {
        string? directory = BlobLayout.IsBaseName(name)
            ? folders.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries).Select(f => Path.Combine(f, name)).FirstOrDefault(Directory.Exists)
            : null;
        return directory ?? throw new ModelException($"The base '{name}' is in none of the folders of PIPELINE_MODELS ({folders}).");
    }
}
