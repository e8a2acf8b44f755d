using System.Collections.Concurrent;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Tokenization;
using Pipeline.Tokenization.Templates;
using Pipeline.Tokenization.Tokenizers;

namespace Pipeline.Functions.Datasets;

/// <summary>The bases' tokenizers, read once each.</summary>
public sealed class BaseCatalog(BaseModelFolders folders)
{
    private readonly ConcurrentDictionary<
        (string Base, string? Template),
        (ChatEncoder Encoder, string Sha256)
    > _encoders = new();

    /// <summary>The encoder of a project's base and the SHA-256 of its tokenizer file.</summary>
    /// <exception cref="DatasetException">There is no such base, or it reads less than
    /// <c>validation.maxTokens</c>.</exception>
    /// <exception cref="DatasetException">Its own chat template is none that there is here, and the settings name
    /// none (<see cref="DatasetFaultCode.NeedsSettings"/>).</exception>
    /// <exception cref="InvalidDataException">Its tokenizer is not of a layout that is read, or does not fit the
    /// template.</exception>
    public (ChatEncoder Encoder, string Sha256) EncoderFor(ProjectSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        try
        {
            if (folders.MaxPositions(settings.Base) is { } most && settings.Validation.MaxTokens > most)
            {
                throw new DatasetException(
                    DatasetFaultCode.InvalidSettings,
                    $"validation.maxTokens is {settings.Validation.MaxTokens}; the base '{settings.Base}' reads at "
                        + $"most {most} tokens."
                );
            }

            return _encoders.GetOrAdd((settings.Base, settings.Template), Load);
        }
        catch (ChatTemplateException fault)
        {
            throw DatasetException.NeedingSettings(
                fault.Message,
                $"template: llama2   # one of {string.Join(", ", ChatTemplate.Names)}"
            );
        }
        catch (Exception fault) when (fault is DirectoryNotFoundException or FileNotFoundException)
        {
            throw new DatasetException(DatasetFaultCode.InvalidSettings, fault.Message, fault);
        }
    }

    /// <summary>The shape of a project's base; <c>null</c>: its config.json does not say it.</summary>
    public BaseShape? ShapeOf(ProjectSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return folders.Shape(settings.Base);
    }

    private (ChatEncoder, string) Load((string Base, string? Template) key)
    {
        string directory = folders.Find(key.Base);
        return (
            ChatEncoder.FromDirectory(directory, key.Template),
            ContentHash.Sha256(File.ReadAllBytes(Tokenizer.FileOf(directory)))
        );
    }
}
