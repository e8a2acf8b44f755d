using Pipeline.Contracts;
using Pipeline.Tokenization;

namespace Pipeline.Training.Batching;

/// <summary>One row to learn from.</summary>
/// <param name="Id">The example's id.</param>
/// <param name="Ids">Token ids.</param>
/// <param name="LossMask">1 where learned; as long as <paramref name="Ids"/>.</param>
public sealed record EncodedRow(string Id, IReadOnlyList<int> Ids, IReadOnlyList<byte> LossMask)
{
    /// <summary>Encodes an example and holds it against what training needs.</summary>
    /// <exception cref="TrainingException">The row is longer than the model reads, has nothing to learn, or an answer without a learned end token.</exception>
    public static EncodedRow From(Example example, ChatEncoder encoder, int maxPositions)
    {
        ArgumentNullException.ThrowIfNull(example);
        ArgumentNullException.ThrowIfNull(encoder);
        EncodedChat chat = encoder.Encode(example.Messages);
        if (chat.Ids.Count > maxPositions)
        {
            throw new TrainingException($"Row {example.Id} has {chat.Ids.Count} tokens where the base reads {maxPositions}; rows are never cut. Lower validation.maxTokens and build the dataset again.");
        }

        if (chat.SupervisedTokens == 0 || chat.Ids[^1] != encoder.Tokenizer.EosId || chat.LossMask[^1] != 1)
        {
            throw new TrainingException($"Row {example.Id} does not end in an answer with a learned end token.");
        }

        return new EncodedRow(example.Id, chat.Ids, chat.LossMask);
    }
}
