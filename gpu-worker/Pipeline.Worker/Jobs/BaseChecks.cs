using Pipeline.Model.Checkpoints;
using Pipeline.Tokenization;

namespace Pipeline.Worker.Jobs;

/// <summary>What every command requires of a base before it computes with it.</summary>
internal static class BaseChecks
{
    /// <summary>The base's encoder.</summary>
    /// <param name="directory">The base's folder.</param>
    /// <param name="template">A chat template; <c>null</c>: that of the base.</param>
    /// <exception cref="InvalidDataException">Tokenizer or template cannot be used, or the tokenizer has more ids than
    /// the model has embeddings: one of them would be read beyond the matrix.</exception>
    public static ChatEncoder EncoderOf(string directory, string? template)
    {
        ChatEncoder encoder = ChatEncoder.FromDirectory(directory, template);
        int ids = encoder.Tokenizer.VocabularySize;
        int rows = LlamaConfig.FromDirectory(directory).VocabularySize;
        return ids <= rows
            ? encoder
            : throw new InvalidDataException(
                $"The tokenizer in '{directory}' has {ids} ids where the model has {rows}."
            );
    }
}
