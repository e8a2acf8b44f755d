using Pipeline.Contracts;
using Pipeline.Tokenization;
using Pipeline.Tokenization.Templates;

namespace Pipeline.Datasets.Auditing;

/// <summary>An example as training sees it, measured with the encoder that training uses.</summary>
/// <param name="Tokens">All its tokens.</param>
/// <param name="Supervised">Those that are supervised.</param>
/// <param name="HasSupervisedToken">Whether any token after the first is supervised; the first is never
/// predicted.</param>
/// <param name="EndIsSupervised">Whether each answer's end token is supervised; true for an excerpt of a text, which
/// has none.</param>
/// <param name="BosIsRight">Whether BOS comes first, and as often as the template puts it; true where it has
/// none.</param>
/// <param name="RoundTrips">Whether the tokens decode to the answers' texts.</param>
/// <param name="HasUnknownId">Whether a token has an id for which the base has no embedding.</param>
public readonly record struct RowMeasure(
    int Tokens,
    int Supervised,
    bool HasSupervisedToken,
    bool EndIsSupervised,
    bool BosIsRight,
    bool RoundTrips,
    bool HasUnknownId = false
)
{
    /// <summary>Measures an example.</summary>
    /// <param name="encoder">The base model's encoder.</param>
    /// <param name="example">The example.</param>
    /// <param name="chat">The encoded example; <c>null</c>: it is encoded here.</param>
    public static RowMeasure From(ChatEncoder encoder, Example example, EncodedChat? chat = null)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        ArgumentNullException.ThrowIfNull(example);
        chat ??= encoder.Encode(example.Messages);
        int? bos = encoder.Template.BeginToken is { } token ? encoder.Tokenizer.Controls[token] : null;
        int turns = example.Messages.Count(m => m.Role == MessageRole.User);
        // Llama 2 puts one before each turn, the others one before the dialogue, ChatML none.
        int expectedBos = encoder.Template is Llama2Template ? turns : 1;
        bool bosIsRight = bos is null || (chat.Ids[0] == bos && chat.Ids.Count(i => i == bos) == expectedBos);
        IReadOnlyList<IReadOnlyList<int>> answers = chat.Answers();
        bool isExcerpt = example.Messages[^1].Role == MessageRole.Excerpt;
        return new RowMeasure(
            chat.Ids.Count,
            chat.SupervisedTokens,
            chat.LossMask.Skip(1).Any(m => m != 0),
            isExcerpt || (answers.Count > 0 && answers.All(a => a[^1] == encoder.EndId)),
            bosIsRight,
            encoder.ReadsBack(example.Messages, chat),
            encoder.EmbeddingRows is { } rows && chat.Ids.Any(i => i >= rows)
        );
    }
}
