using System.Collections.Concurrent;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Tokenization;

namespace Pipeline.Functions;

/// <summary>The bases' tokenizers, read once each.</summary>
public sealed class BaseCatalog(BaseModelFolders folders)
{
    private readonly ConcurrentDictionary<string, (LlamaTokenizer Tokenizer, string Sha256)> _tokenizers = new(StringComparer.Ordinal);

    /// <summary>The tokenizer of a project's base and the SHA-256 of its file.</summary>
    /// <exception cref="DatasetException">There is no such base, or it reads less than <c>validation.maxTokens</c>.</exception>
    /// <exception cref="InvalidDataException">Its tokenizer.json is not of a layout that is read.</exception>
    public (LlamaTokenizer Tokenizer, string Sha256) TokenizerFor(ProjectSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        try
        {
            if (folders.MaxPositions(settings.Base) is { } most && settings.Validation.MaxTokens > most)
            {
                throw new DatasetException(DatasetException.InvalidSettings, $"validation.maxTokens is {settings.Validation.MaxTokens}; the base '{settings.Base}' reads at most {most} tokens.");
            }

            return _tokenizers.GetOrAdd(settings.Base, Load);
        }
        catch (Exception fault) when (fault is DirectoryNotFoundException or FileNotFoundException)
        {
            throw new DatasetException(DatasetException.InvalidSettings, fault.Message, fault);
        }
    }

    private (LlamaTokenizer, string) Load(string name)
    {
        string directory = folders.Find(name);
        return (LlamaTokenizer.FromDirectory(directory), ContentHash.Of(File.ReadAllBytes(Path.Combine(directory, "tokenizer.json"))));
    }
}
