using Pipeline.Contracts;
using Pipeline.Tokenization.Tokenizers;

namespace Pipeline.Tokenization.Templates;

/// <summary>
/// No dialogue: a text as it is, every token of it supervised, for continued pre-training. One BOS before it where the
/// base has one, its end-of-text token after it; a piece of a longer text has none after it. Source: the base models'
/// own tokenizers, which put BOS before every text (Touvron et al. 2023; Llama 3: <c>llama/tokenizer.py</c>, encode).
/// </summary>
public sealed class PlainTextTemplate : ChatTemplate
{
    /// <summary>
    /// The template's name; not one of <see cref="ChatTemplate.Names"/>, since it is a task's and not a base's.
    /// </summary>
    public const string TemplateName = "text";

    private static readonly string[] Begins = ["<s>", "<|begin_of_text|>"];
    private static readonly string[] Ends = ["</s>", "<|end_of_text|>", "<|endoftext|>"];
    private readonly string? _begin;
    private readonly string _end;

    /// <summary>With the tokens that a tokenizer has.</summary>
    /// <exception cref="InvalidDataException">It has no token for the end of a text.</exception>
    internal PlainTextTemplate(Tokenizer tokenizer)
    {
        _begin = Array.Find(Begins, tokenizer.Controls.ContainsKey);
        _end =
            Array.Find(Ends, tokenizer.Controls.ContainsKey)
            ?? throw new InvalidDataException(
                $"The base's tokenizer has none of {string.Join(", ", Ends)}, with which a plain text ends."
            );
    }

    public override string Name => TemplateName;
    public override string? BeginToken => _begin;
    public override string EndToken => _end;
    private protected override IReadOnlyList<string> Controls => _begin is null ? [_end] : [_begin, _end];

    /// <inheritdoc/>
    public override bool IsSupervised(ChatMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        return message.Role is MessageRole.Document or MessageRole.Excerpt;
    }

    /// <inheritdoc/>
    internal override IEnumerable<TemplatePart> Parts(IReadOnlyList<ChatMessage> messages)
    {
        ArgumentNullException.ThrowIfNull(messages);
        return messages.Count == 0 || (messages.Count == 1 && IsSupervised(messages[0]))
            ? Render(messages.Count == 0 ? null : messages[0])
            : throw new ArgumentException(
                $"A plain text is one message of the role '{MessageRole.Document}' or '{MessageRole.Excerpt}'.",
                nameof(messages)
            );
    }

    private protected override IEnumerable<TemplatePart> Render(string? system, IReadOnlyList<string> turns) =>
        throw new NotSupportedException("A plain text has no turns.");

    private IEnumerable<TemplatePart> Render(ChatMessage? text)
    {
        if (_begin is not null)
        {
            yield return TemplatePart.Control(_begin);
        }

        if (text is not null)
        {
            yield return TemplatePart.Supervised(text.Content);
        }

        if (text?.Role == MessageRole.Document)
        {
            yield return TemplatePart.Control(_end, supervised: true);
        }
    }
}
