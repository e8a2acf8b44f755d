using System.Collections.Concurrent;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Tokenization;

namespace Pipeline.Functions;

/// <summary>The bases' tokenizers, by the base's name. Read once each.</summary>
/// <param name="folders">Folders that hold bases, separated as in PATH.</param>
public sealed class BaseCatalog(string folders)
{
    private readonly ConcurrentDictionary<string, (LlamaTokenizer Tokenizer, string Sha256)> _tokenizers = new(StringComparer.Ordinal);

    /// <summary>The tokenizer of a base and the SHA-256 of its file.</summary>
    /// <exception cref="DatasetException">There is no such base.</exception>
    public (LlamaTokenizer Tokenizer, string Sha256) Tokenizer(string name) => _tokenizers.GetOrAdd(name, Load);

    private (LlamaTokenizer, string) Load(string name)
    {
        string? directory = BlobLayout.IsBaseName(name)
            ? folders.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries).Select(f => Path.Combine(f, name)).FirstOrDefault(Directory.Exists)
            : null;
        if (directory is null)
        {
            throw new DatasetException(DatasetException.InvalidSettings, $"The base '{name}' is in none of the folders of PIPELINE_MODELS ({folders}).");
        }

        return (LlamaTokenizer.FromDirectory(directory), ContentHash.Of(File.ReadAllBytes(Path.Combine(directory, "tokenizer.json"))));
    }
}
