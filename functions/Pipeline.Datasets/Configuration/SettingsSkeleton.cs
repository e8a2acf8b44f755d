using System.Globalization;
using System.Text;
using Pipeline.Contracts;

namespace Pipeline.Datasets.Configuration;

/// <summary>
/// A project.yaml to fill in, made of the same <see cref="Setting"/>s that its reader goes by: every key with its
/// meaning, those at their defaults as comments, those that were guessed with their evidence.
/// </summary>
public static class SettingsSkeleton
{
    /// <summary>The schema's file beside it, by which editors complete keys.</summary>
    public const string SchemaFile = "project.schema.json";

    /// <summary>Writes the file's text.</summary>
    /// <param name="remarks">Lines for its beginning, without the comment sign.</param>
    /// <param name="guesses">Settings that were guessed from a file.</param>
    public static string Write(IReadOnlyList<string> remarks, IReadOnlyList<SettingGuess> guesses)
    {
        ArgumentNullException.ThrowIfNull(remarks);
        ArgumentNullException.ThrowIfNull(guesses);
        var text = new StringBuilder($"# yaml-language-server: $schema={SchemaFile}\n");
        foreach (string remark in remarks)
        {
            text.Append(CultureInfo.InvariantCulture, $"# {remark}\n");
        }

        Append(text, Setting.All, guesses.ToDictionary(g => g.Path, StringComparer.Ordinal), depth: 0);
        return text.ToString();
    }

    private static void Append(
        StringBuilder text,
        IReadOnlyList<Setting> settings,
        Dictionary<string, SettingGuess> guesses,
        int depth
    )
    {
        // where two properties share a key, the one that is described stands for both
        foreach (Setting setting in settings.Where(s => s.Description.Length > 0))
        {
            bool isOpen = setting is { IsGroup: true, IsList: false } && setting.Default is not null;
            bool isGuessed = guesses.Keys.Any(p =>
                p == setting.Path || p.StartsWith(setting.Path + ".", StringComparison.Ordinal)
            );
            if (depth == 0)
            {
                text.Append('\n');
            }

            text.Append(isGuessed ? "" : "# ").Append(' ', 2 * depth).Append(setting.Keys[0]).Append(':');
            SettingGuess? guess = guesses.GetValueOrDefault(setting.Path);
            string value = isOpen ? "" : guess?.Value ?? DefaultOf(setting);
            bool isBlock = value.StartsWith('\n');
            text.Append(isBlock || value.Length == 0 ? "" : " " + value);
            text.Append(CultureInfo.InvariantCulture, $"   # {guess?.Evidence ?? Meaning(setting)}\n");
            if (isBlock)
            {
                text.Append(value.AsSpan(1)).Append('\n');
            }

            if (isOpen)
            {
                Append(text, setting.Children, guesses, depth + 1);
            }
        }
    }

    private static string Meaning(Setting setting)
    {
        string[] values =
        [
            .. setting.Choices.Select(c => c.Name),
            .. setting.ValueSet == ValuesOfAttribute.Templates ? ProjectFile.Sets[setting.ValueSet].Names : [],
        ];
        string range =
            values.Length > 0 ? $" ({string.Join(", ", values)})"
            : setting.Range is { } limits
                ? $" ({Setting.RangeText(limits).Replace(" and ", " to ", StringComparison.Ordinal)})"
            : "";
        return setting.Description + range;
    }

    private static string DefaultOf(Setting setting) =>
        setting switch
        {
            { IsList: true, Default: IEnumerable<string> items } =>
                $"[{string.Join(", ", items.Select(YamlText.Scalar))}]",
            { IsList: true } => "[]",
            { Default: bool flag } => flag ? "true" : "false",
            { Default: Enum choice } => setting.Choices[Array.IndexOf(Enum.GetValues(setting.ValueType), choice)].Name,
            { Default: string text } => YamlText.Scalar(text),
            { Default: IFormattable number } => number.ToString(null, CultureInfo.InvariantCulture),
            _ => "",
        };
}

/// <summary>A setting that was guessed.</summary>
/// <param name="Path">Its keys from the root, such as <c>columns.text</c>.</param>
/// <param name="Value">Its value as YAML; one that begins with a line end is a block below the key.</param>
/// <param name="Evidence">Why, in words.</param>
public sealed record SettingGuess(string Path, string Value, string Evidence);
