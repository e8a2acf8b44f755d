using System.Text;
using Pipeline.Contracts;
using Pipeline.Tokenization.Tokenizers;

namespace Pipeline.Tokenization.Templates;

/// <summary>
/// How a dialogue is put into one text. Each template names its source; its text is pinned by a test.
/// </summary>
public abstract class ChatTemplate
{
    /// <summary>The template's name in project.yaml, manifests and adapters.</summary>
    public abstract string Name { get; }

    /// <summary>The control token that ends an answer.</summary>
    public abstract string EndToken { get; }

    /// <summary>The control token that stands before a dialogue; <c>null</c>: none.</summary>
    public virtual string? BeginToken => null;

    /// <summary>
    /// Control tokens at which writing stops: <see cref="EndToken"/>, and others where the template has some.
    /// </summary>
    public virtual IReadOnlyList<string> StopTokens => [EndToken];

    /// <summary>Whether a message is one to learn.</summary>
    public virtual bool IsSupervised(ChatMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        return message.Role == MessageRole.Assistant && !message.IsContext;
    }

    /// <summary>The templates by name.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        Llama2Template.TemplateName,
        Llama3Template.TemplateName,
        MistralTemplate.TemplateName,
        ChatMlTemplate.TemplateName,
    ];

    /// <summary>
    /// The template of a base: the one asked for, else the kind of its own, else the one whose control tokens its
    /// tokenizer has.
    /// </summary>
    /// <param name="tokenizer">The base's.</param>
    /// <param name="name">One of <see cref="Names"/>, or plain text's; <c>null</c>: told from the tokenizer.</param>
    /// <param name="architecture">config.json's architecture, which tells Mistral from Llama 2; may be
    /// <c>null</c>.</param>
    /// <param name="own">The base's own template; <c>null</c>: it has none.</param>
    /// <exception cref="ChatTemplateException">No name is given and the base's own template is none of
    /// these.</exception>
    /// <exception cref="InvalidDataException">The name is none of them, or the tokenizer lacks the template's control
    /// tokens.</exception>
    public static ChatTemplate For(
        Tokenizer tokenizer,
        string? name = null,
        string? architecture = null,
        OwnTemplate? own = null
    )
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ChatTemplate template = (name ?? (own is null ? Guess(tokenizer, architecture) : NameOf(own))) switch
        {
            Llama2Template.TemplateName => new Llama2Template(),
            Llama3Template.TemplateName => new Llama3Template(),
            MistralTemplate.TemplateName => new MistralTemplate(
                tokenizer.Controls.ContainsKey(MistralTemplate.Instruction)
            ),
            ChatMlTemplate.TemplateName => new ChatMlTemplate(),
            PlainTextTemplate.TemplateName => new PlainTextTemplate(tokenizer),
            string other => throw new InvalidDataException(
                $"'{other}' is not a chat template; there are {string.Join(", ", Names)}."
            ),
        };
        string? missing = template.Controls.FirstOrDefault(c => !tokenizer.Controls.ContainsKey(c));
        return missing is null
            ? template
            : throw new InvalidDataException(
                $"The base's tokenizer has no control token {missing}, which the chat template {template.Name} needs."
            );
    }

    /// <summary>
    /// The dialogue as one text, with the control tokens spelled out; for people, not for a tokenizer.
    /// </summary>
    /// <exception cref="ArgumentException">The roles are not [system] (user assistant)* [user], or there is no
    /// message.</exception>
    public string Render(IReadOnlyList<ChatMessage> messages)
    {
        var text = new StringBuilder();
        foreach (TemplatePart part in Parts(messages))
        {
            text.Append(part.Text);
        }

        return text.ToString();
    }

    /// <summary>
    /// The parts of a dialogue; one that ends with the user's turn is a prompt, up to where the answer begins.
    /// </summary>
    /// <exception cref="ArgumentException">The roles are not [system] (user assistant)* [user], or there is no
    /// message.</exception>
    internal virtual IEnumerable<TemplatePart> Parts(IReadOnlyList<ChatMessage> messages)
    {
        ArgumentNullException.ThrowIfNull(messages);
        bool system = messages.Count > 0 && messages[0].Role == MessageRole.System;
        int first = system ? 1 : 0;
        if (messages.Count == first)
        {
            throw new ArgumentException("A dialogue needs at least one message of the user's.", nameof(messages));
        }

        for (int i = first; i < messages.Count; i++)
        {
            MessageRole expected = (i - first) % 2 == 0 ? MessageRole.User : MessageRole.Assistant;
            if (messages[i].Role != expected)
            {
                throw new ArgumentException(
                    $"Message {i + 1} is of role '{messages[i].Role.Name()}' where '{expected.Name()}' is due: "
                        + "user and assistant "
                        + "take turns, system may stand first.",
                    nameof(messages)
                );
            }
        }

        return Render(system ? messages[0].Content : null, [.. messages.Skip(first).Select(m => m.Content)]);
    }

    /// <summary>Control tokens that the tokenizer must have.</summary>
    private protected abstract IReadOnlyList<string> Controls { get; }

    /// <summary>The parts of a dialogue whose roles were checked.</summary>
    /// <param name="system">The system text, or <c>null</c>.</param>
    /// <param name="turns">User, assistant, user, …</param>
    private protected abstract IEnumerable<TemplatePart> Render(string? system, IReadOnlyList<string> turns);

    /// <summary>
    /// A text without blanks at its ends, as Python's <c>str.strip</c> (and so Jinja's <c>trim</c>) takes them away.
    /// </summary>
    private protected static string Strip(string text)
    {
        int start = 0;
        int end = text.Length;
        while (start < end && IsBlank(text[start]))
        {
            start++;
        }

        while (end > start && IsBlank(text[end - 1]))
        {
            end--;
        }

        return text[start..end];
    }

    private static bool IsBlank(char c) => char.IsWhiteSpace(c) || c is >= '\x1c' and <= '\x1f';

    private static string NameOf(OwnTemplate own) =>
        own.Kind is { } kind && Names.Contains(kind)
            ? kind
            : throw new ChatTemplateException(
                $"The base's own chat template is {own.Title}; there are {string.Join(", ", Names)} here. A server "
                    + "applies it, and would ask the adapter in a form that it has not learned. Name the template to "
                    + "train and serve with."
            );

    private static string Guess(Tokenizer tokenizer, string? architecture)
    {
        if (tokenizer.Controls.ContainsKey(Llama3Template.HeaderStart))
        {
            return Llama3Template.TemplateName;
        }

        if (tokenizer.Controls.ContainsKey(ChatMlTemplate.Start))
        {
            return ChatMlTemplate.TemplateName;
        }

        return architecture == "MistralForCausalLM" ? MistralTemplate.TemplateName : Llama2Template.TemplateName;
    }
}
