using Pipeline.Contracts;
using Pipeline.Tokenization.Templates;
using Pipeline.Tokenization.Tokenizers;

namespace Pipeline.Tokenization;

/// <summary>
/// The one encoder of training, evaluation, generation and audit: messages straight to ids and loss mask, never over
/// rendered text, so that BOS stands exactly where the template puts it and nothing that a person wrote becomes a
/// control token.
/// </summary>
public sealed class ChatEncoder
{
    /// <summary>Binds a template to a tokenizer.</summary>
    public ChatEncoder(Tokenizer tokenizer, ChatTemplate template)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(template);
        (Tokenizer, Template) = (tokenizer, template);
        EndId = tokenizer.Controls[template.EndToken];
        StopIds = [.. template.StopTokens.Where(tokenizer.Controls.ContainsKey).Select(t => tokenizer.Controls[t])];
    }

    public Tokenizer Tokenizer { get; }
    public ChatTemplate Template { get; }

    /// <summary>The token that ends an answer; supervised with it.</summary>
    public int EndId { get; }

    /// <summary>Rows of the base's embeddings, as its config.json says; <c>null</c>: not known.</summary>
    public int? EmbeddingRows { get; private init; }

    /// <summary>
    /// How the template was chosen, where the base's own is not plainly that one; <c>null</c>: nothing is to be said.
    /// </summary>
    public string? TemplateNote { get; private init; }

    /// <summary>Tokens at which writing stops, <see cref="EndId"/> first.</summary>
    public IReadOnlyList<int> StopIds { get; }

    /// <summary>The encoder of a base model's folder.</summary>
    /// <param name="directory">The folder.</param>
    /// <param name="template">One of <see cref="ChatTemplate.Names"/>; <c>null</c>: told from tokenizer and
    /// config.json.</param>
    /// <exception cref="FileNotFoundException">It holds no tokenizer.</exception>
    /// <exception cref="InvalidDataException">Tokenizer or template cannot be used; the reason is named.</exception>
    public static ChatEncoder FromDirectory(string directory, string? template = null) =>
        FromFile(Tokenizer.FileOf(directory), template);

    /// <summary>The encoder of one tokenizer file, with the config.json beside it where there is one.</summary>
    /// <param name="tokenizerPath">tokenizer.json or tokenizer.model.</param>
    /// <param name="template">One of <see cref="ChatTemplate.Names"/>; <c>null</c>: told from tokenizer and
    /// config.json.</param>
    /// <exception cref="InvalidDataException">Tokenizer or template cannot be used; the reason is named.</exception>
    public static ChatEncoder FromFile(string tokenizerPath, string? template = null)
    {
        string directory = Path.GetDirectoryName(tokenizerPath) ?? "";
        var tokenizer = Tokenizer.FromFile(tokenizerPath);
        var config = BaseConfig.Read(Path.Combine(directory, "config.json"));
        var own = OwnTemplate.FromDirectory(directory);
        var chosen = ChatTemplate.For(tokenizer, template, config.Architecture, own);
        RequireSameBegin(tokenizer, chosen, config);
        return new ChatEncoder(tokenizer, chosen)
        {
            EmbeddingRows = config.VocabularySize,
            TemplateNote = Note(chosen, own, isNamed: template is not null),
        };
    }

    private static string? Note(ChatTemplate chosen, OwnTemplate? own, bool isNamed) =>
        chosen is PlainTextTemplate ? null
        : own is null
            ? isNamed ? null
                : $"The base has no chat template of its own; {chosen.Name} is used, guessed from its tokenizer."
        : own.Kind != chosen.Name
            ? $"The template {chosen.Name} is used; the base's own is {own.Title}: serve the adapter with "
                + $"{chosen.Name}."
        : own.KnownAs is { } known && known != chosen.Name
            ? $"The base's own chat template is '{known}'; it is rendered as {chosen.Name}, without what it adds "
                + "(a default system text, tools, thinking)."
        : null;

    /// <summary>The token that stands before a dialogue must be the one that the model was trained with.</summary>
    private static void RequireSameBegin(Tokenizer tokenizer, ChatTemplate template, BaseConfig config)
    {
        if (
            template.BeginToken is { } begin
            && config.BeginId is { } expected
            && tokenizer.Controls[begin] is var id
            && id != expected
        )
        {
            throw new InvalidDataException(
                $"The tokenizer has {begin} as id {id}, the base's config.json says bos_token_id {expected}: the two "
                    + "are not of the same model."
            );
        }
    }

    /// <summary>
    /// Encodes a dialogue; one that ends with the user's turn is a prompt, without a supervised token in its last turn.
    /// </summary>
    /// <exception cref="ArgumentException">The roles are not [system] (user assistant)* [user], or there is no
    /// message.</exception>
    public EncodedChat Encode(IReadOnlyList<ChatMessage> messages)
    {
        var ids = new List<int>();
        var mask = new List<byte>();
        string plain = "";
        string supervised = "";
        foreach (TemplatePart part in Template.Parts(messages))
        {
            if (part.IsControl)
            {
                AppendText(ids, mask, plain, supervised);
                (plain, supervised) = ("", "");
                ids.Add(Tokenizer.Controls[part.Text]);
                mask.Add(part.IsSupervised ? (byte)1 : (byte)0);
            }
            else if (part.IsSupervised)
            {
                supervised += part.Text;
            }
            else
            {
                plain += part.Text;
            }
        }

        AppendText(ids, mask, plain, supervised);
        if (messages.Any(m => m.IsContext))
        {
            ClearContext(messages, mask);
        }

        return new EncodedChat([.. ids], [.. mask]);
    }

    /// <summary>
    /// A dialogue as one text for people, control tokens spelled out: what is learned and what is not in turns.
    /// </summary>
    /// <exception cref="ArgumentException">The roles are not [system] (user assistant)* [user], or there is no
    /// message.</exception>
    public IReadOnlyList<RenderedPart> Render(IReadOnlyList<ChatMessage> messages)
    {
        ArgumentNullException.ThrowIfNull(messages);
        ChatMessage[] answers = [.. messages.Where(m => m.Role == MessageRole.Assistant)];
        List<RenderedPart> rendered = [];
        (int answer, bool before) = (-1, false);
        foreach (TemplatePart part in Template.Parts(messages))
        {
            answer += part.IsSupervised && !before ? 1 : 0; // each answer is one run of supervised parts
            before = part.IsSupervised;
            bool isLearned = part.IsSupervised && !(answer < answers.Length && answers[answer].IsContext);
            if (rendered.Count > 0 && rendered[^1].IsLearned == isLearned)
            {
                rendered[^1] = rendered[^1] with { Text = rendered[^1].Text + part.Text };
            }
            else
            {
                rendered.Add(new RenderedPart(part.Text, isLearned));
            }
        }

        return rendered;
    }

    /// <summary>Answers that are context are in the text as ever, and no token of them is supervised.</summary>
    private static void ClearContext(IReadOnlyList<ChatMessage> messages, List<byte> mask)
    {
        ChatMessage[] answers = [.. messages.Where(m => m.Role == MessageRole.Assistant)];
        int answer = -1;
        byte before = 0;
        for (int i = 0; i < mask.Count; i++)
        {
            byte now = mask[i];
            answer += now != 0 && before == 0 ? 1 : 0; // each answer is one run of supervised tokens
            mask[i] = now != 0 && answers[answer].IsContext ? (byte)0 : now;
            before = now;
        }
    }

    /// <summary>
    /// The prompt of a dialogue and, apart, what the model has to say: the last answer's ids up to its end token.
    /// </summary>
    /// <exception cref="ArgumentException">The last message is not one to learn.</exception>
    public (IReadOnlyList<int> Prompt, IReadOnlyList<int> Answer) EncodeAnswer(IReadOnlyList<ChatMessage> messages)
    {
        ArgumentNullException.ThrowIfNull(messages);
        if (messages.Count == 0 || !Template.IsSupervised(messages[^1]))
        {
            throw new ArgumentException(
                "The last message must be one to learn: the assistant's, or a plain text.",
                nameof(messages)
            );
        }

        EncodedChat whole = Encode(messages);
        IReadOnlyList<int> prompt = Encode([.. messages.SkipLast(1)]).Ids;
        // a plain text without BOS: nothing comes before its first token
        prompt = prompt.Count > 0 ? prompt : [whole.Ids[0]];
        int end = whole.Ids.Count;
        while (whole.LossMask[end - 1] == 0)
        {
            end--; // what the template puts after the end token is nobody's to say
        }

        return (prompt, [.. whole.Ids.Take(end).Skip(prompt.Count)]);
    }

    /// <summary>
    /// Whether the supervised tokens give the answers' texts again, blanks at their ends aside: a tokenizer cannot
    /// write everything.
    /// </summary>
    /// <param name="messages">The dialogue.</param>
    /// <param name="encoded">What <see cref="Encode"/> made of it.</param>
    public bool ReadsBack(IReadOnlyList<ChatMessage> messages, EncodedChat encoded)
    {
        ArgumentNullException.ThrowIfNull(messages);
        ArgumentNullException.ThrowIfNull(encoded);
        return encoded
            .Answers()
            .Select(a => Tokenizer.Decode([.. a[^1] == EndId ? a.SkipLast(1) : a]).Trim())
            .SequenceEqual(messages.Where(Template.IsSupervised).Select(m => m.Content.Trim()));
    }

    /// <summary>
    /// Text up to where the answer begins, and the answer. They are encoded together, as the rendered text would be,
    /// unless that would merge across the border: generation knows the prompt alone, so its ids must stand whatever the
    /// answer.
    /// </summary>
    private void AppendText(List<int> ids, List<byte> mask, string plain, string supervised)
    {
        int[] prompt = Tokenizer.Encode(plain);
        Append(ids, mask, prompt, 0);
        if (supervised.Length == 0)
        {
            return;
        }

        int[] whole = Tokenizer.Encode(plain + supervised);
        Append(
            ids,
            mask,
            whole.AsSpan().StartsWith(prompt) ? whole.AsSpan(prompt.Length) : Tokenizer.Encode(supervised),
            1
        );
    }

    private static void Append(List<int> ids, List<byte> mask, ReadOnlySpan<int> tokens, byte supervised)
    {
        foreach (int token in tokens)
        {
            ids.Add(token);
            mask.Add(supervised);
        }
    }
}
