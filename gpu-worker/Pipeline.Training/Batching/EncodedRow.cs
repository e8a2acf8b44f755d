using Pipeline.Contracts;
using Pipeline.Tokenization;
using Pipeline.Training.Faults;

namespace Pipeline.Training.Batching;

/// <summary>One row to learn from.</summary>
/// <param name="Id">The example's id.</param>
/// <param name="Ids">Token ids.</param>
/// <param name="LossMask">1 where supervised; as long as <paramref name="Ids"/>.</param>
public sealed record EncodedRow(string Id, IReadOnlyList<int> Ids, IReadOnlyList<byte> LossMask)
{
    /// <summary>Tokens that are supervised; the first of a row cannot be.</summary>
    public int SupervisedTokens => LossMask.Skip(1).Count(m => m == 1);

    /// <summary>Encodes an example and holds it against what training needs.</summary>
    /// <exception cref="TrainingException">The row is longer than the model reads, has no supervised token, or an
    /// answer without a supervised end token.</exception>
    public static EncodedRow From(Example example, ChatEncoder encoder, int maxPositions)
    {
        ArgumentNullException.ThrowIfNull(example);
        ArgumentNullException.ThrowIfNull(encoder);
        EncodedChat chat = encoder.Encode(example.Messages);
        if (chat.Ids.Count > maxPositions)
        {
            throw new TrainingException(
                $"Row {example.Id} has {chat.Ids.Count} tokens where the base reads {maxPositions}; rows are never "
                    + "cut. Lower validation.maxTokens and build the dataset again."
            );
        }

        if (
            example.Messages[^1].Role == MessageRole.Excerpt
                ? chat.SupervisedTokens == 0
                : !chat.Answers().Any() || chat.Answers().Any(a => a[^1] != encoder.EndId)
        )
        {
            throw new TrainingException(
                $"Row {example.Id} has no answer, or one that does not end in the supervised end token "
                    + $"{encoder.Template.EndToken}."
            );
        }

        return new EncodedRow(example.Id, chat.Ids, chat.LossMask);
    }
}
