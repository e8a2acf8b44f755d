using Pipeline.Model.Checkpoints;
using Pipeline.Tokenization;
using Pipeline.Tokenization.Tokenizers;

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
        var encoder = ChatEncoder.FromDirectory(directory, template);
        RequireEmbeddings(directory, encoder.Tokenizer, LlamaConfig.FromDirectory(directory));
        return encoder;
    }

    /// <summary>Requires what <see cref="EncoderOf"/> does of a base that nothing is encoded for.</summary>
    /// <exception cref="InvalidDataException">The tokenizer has more ids than the model has embeddings.</exception>
    public static void Require(string directory)
    {
        var config = LlamaConfig.FromDirectory(directory);
        if (Tokenizer.IsIn(directory))
        {
            RequireEmbeddings(directory, Tokenizer.FromDirectory(directory), config);
        }
    }

    /// <summary>Requires that a prompt and a first token of its answer are not longer than the base reads.</summary>
    /// <exception cref="InvalidDataException">They are.</exception>
    public static void RequireFits(string directory, int promptTokens)
    {
        int most = LlamaConfig.FromDirectory(directory).MaxPositions;
        if (promptTokens >= most)
        {
            throw new InvalidDataException(
                $"The prompt has {promptTokens} tokens; the base in '{directory}' reads at most {most}, the answer "
                    + "among "
                    + "them. Shorten it."
            );
        }
    }

    private static void RequireEmbeddings(string directory, Tokenizer tokenizer, LlamaConfig config)
    {
        if (tokenizer.VocabularySize > config.VocabularySize)
        {
            throw new InvalidDataException(
                $"The tokenizer in '{directory}' has {tokenizer.VocabularySize} ids where the model has "
                    + $"{config.VocabularySize}."
            );
        }
    }
}
