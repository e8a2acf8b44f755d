using Pipeline.Tokenization.Templates;

namespace Pipeline.Export;

/// <summary>
/// The chat template as a server applies it, in Jinja: what it renders is what the model was trained on.
/// </summary>
public static class ChatTemplateText
{
    /// <summary>Llama 2's, as <c>tokenizer_config.json</c> of Llama-2-chat has it.</summary>
    private const string Llama2 =
        "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}"
        + "{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}"
        + "{% set system_message = false %}{% endif %}{% for message in loop_messages %}"
        + "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
        + "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
        + "{% if loop.index0 == 0 and system_message != false %}"
        + @"{% set content = '<<SYS>>\n' + system_message + '\n<</SYS>>\n\n' + message['content'] %}"
        + "{% else %}{% set content = message['content'] %}{% endif %}"
        + "{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content | trim + ' [/INST]' }}"
        + "{% elif message['role'] == 'assistant' %}{{ ' ' + content | trim + ' ' + eos_token }}{% endif %}"
        + "{% endfor %}";

    /// <summary>The text of a template.</summary>
    /// <param name="template">What the model was trained in.</param>
    /// <param name="directory">The base's folder, whose own template is taken where it is of the same kind.</param>
    /// <returns><c>null</c>: there is no text that is known to render the same.</returns>
    public static string? For(ChatTemplate template, string directory)
    {
        ArgumentNullException.ThrowIfNull(template);
        OwnTemplate? own = OwnTemplate.FromDirectory(directory);
        return own?.Kind == template.Name ? own.Text
            : template is Llama2Template ? Llama2
            : null;
    }
}
