using Pipeline.Contracts;
using Pipeline.Tokenization;
using Pipeline.Tokenization.Templates;

namespace Pipeline.Datasets.Auditing;

/// <summary>An example as training sees it, measured with the encoder that training uses.</summary>
/// <param name="Tokens">All its tokens.</param>
/// <param name="Supervised">Those that are learned.</param>
/// <param name="Learns">Whether a token behind the first one is learned.</param>
/// <param name="Ends">Whether each answer's end token is learned.</param>
/// <param name="Begins">Whether begin tokens stand where the template has them, and nowhere else.</param>
/// <param name="ReadsBack">Whether the tokens give the answers' texts again.</param>
public readonly record struct RowMeasure(
    int Tokens,
    int Supervised,
    bool Learns,
    bool Ends,
    bool Begins,
    bool ReadsBack
)
{
    /// <summary>Measures an example.</summary>
    /// <param name="encoder">The base's.</param>
    /// <param name="example">The example.</param>
    /// <param name="chat">What the encoder made of it; <c>null</c>: not encoded yet.</param>
    public static RowMeasure From(ChatEncoder encoder, Example example, EncodedChat? chat = null)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        ArgumentNullException.ThrowIfNull(example);
        chat ??= encoder.Encode(example.Messages);
        int? begin = encoder.Template.BeginToken is { } token ? encoder.Tokenizer.Controls[token] : null;
        int turns = example.Messages.Count(m => m.Role == ChatMessage.User);
        // Llama 2 puts one before each turn, the others one before the dialogue, ChatML none.
        int wanted =
            begin is null ? 0
            : encoder.Template is Llama2Template ? turns
            : 1;
        bool begins =
            (begin is null || chat.Ids.Count(i => i == begin) == wanted) && (begin is null || chat.Ids[0] == begin);
        IReadOnlyList<IReadOnlyList<int>> answers = chat.Answers();
        bool goesOn = example.Messages[^1].Role == ChatMessage.Excerpt;
        return new RowMeasure(
            chat.Ids.Count,
            chat.SupervisedTokens,
            chat.LossMask.Skip(1).Any(m => m != 0),
            goesOn || (answers.Count > 0 && answers.All(a => a[^1] == encoder.EndId)),
            begins,
            encoder.ReadsBack(example.Messages, chat)
        );
    }
}
