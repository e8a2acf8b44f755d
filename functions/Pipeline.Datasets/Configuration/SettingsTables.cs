using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Pipeline.Contracts;

namespace Pipeline.Datasets.Configuration;

/// <summary>
/// The tables of docs/settings.md, made of the <see cref="Setting"/>s: each stands between
/// <c>&lt;!-- settings: PATH --&gt;</c> or <c>&lt;!-- choices: PATH --&gt;</c> and <c>&lt;!-- end --&gt;</c>.
/// </summary>
public static partial class SettingsTables
{
    /// <summary>A page with its tables written anew.</summary>
    /// <exception cref="DatasetException">A mark names a setting that does not exist, or one setting has no
    /// table.</exception>
    public static string Update(string page)
    {
        ArgumentNullException.ThrowIfNull(page);
        var shown = new HashSet<string>(StringComparer.Ordinal);
        string updated = Table()
            .Replace(
                page,
                mark =>
                {
                    string path = mark.Groups["path"].Value.Trim();
                    string table = mark.Groups["kind"].Value == "choices" ? Choices(Find(path)) : Settings(path, shown);
                    return $"{mark.Groups["begin"].Value}\n\n{table}\n<!-- end -->";
                }
            );
        string[] missing = [.. Leaves(Setting.All).Select(s => s.Path).Except(shown)];
        return missing.Length == 0
            ? updated
            : throw new DatasetException(
                DatasetFaultCode.InvalidSettings,
                $"No table of the page has {string.Join(", ", missing)}."
            );
    }

    private static IEnumerable<Setting> Leaves(IReadOnlyList<Setting> settings) =>
        settings.SelectMany(s =>
            s.IsGroup ? Leaves(s.Children)
            : s.Description.Length > 0 ? [s]
            : (Setting[])[]
        );

    private static Setting Find(string path) =>
        All(Setting.All).FirstOrDefault(s => s.Path == path)
        ?? throw new DatasetException(DatasetFaultCode.InvalidSettings, $"There is no setting '{path}'.");

    private static IEnumerable<Setting> All(IReadOnlyList<Setting> settings) =>
        settings.SelectMany(s => All(s.Children).Prepend(s));

    /// <param name="path">A group, such as <c>training</c>; several with commas; empty: the root's single
    /// values.</param>
    /// <param name="shown">Gets the paths of what is shown.</param>
    private static string Settings(string path, HashSet<string> shown)
    {
        var table = new StringBuilder("| key | type, range | default | meaning |\n|---|---|---|---|\n");
        IEnumerable<Setting> settings =
            path.Length == 0
                ? Setting.All.Where(s => !s.IsGroup || s.IsList)
                : path.Split(',', StringSplitOptions.TrimEntries).SelectMany(p => Find(p).Children);
        foreach (Setting setting in settings.Where(s => s.Description.Length > 0 && !(s.IsGroup && !s.IsList)))
        {
            shown.Add(setting.Path);
            string keys = string.Join(" or ", setting.Keys.Select(k => $"`{Prefix(setting, path)}{k}`"));
            table.Append(
                CultureInfo.InvariantCulture,
                $"| {keys} | {Type(setting)} | {Default(setting)} | "
                    + $"{setting.Description.Replace("|", "\\|", StringComparison.Ordinal)} |\n"
            );
        }

        return table.ToString();
    }

    private static string Prefix(Setting setting, string path) =>
        path.Contains(',', StringComparison.Ordinal) ? setting.Path[..(setting.Path.LastIndexOf('.') + 1)] : "";

    private static string Choices(Setting setting)
    {
        var table = new StringBuilder("| value | meaning |\n|---|---|\n");
        foreach ((string name, string meaning) in setting.Choices)
        {
            table.Append(CultureInfo.InvariantCulture, $"| `{name}` | {meaning} |\n");
        }

        return table.ToString();
    }

    private static string Type(Setting setting)
    {
        string type =
            setting.Choices.Count > 0 ? string.Join(", ", setting.Choices.Select(c => $"`{c.Name}`"))
            : setting.ValueType == typeof(bool) ? "`true`, `false`"
            : setting.Range is { } range ? Range(setting, range)
            : setting.ValueSet == ValuesOfAttribute.Templates
                ? string.Join(", ", ProjectFile.Sets[setting.ValueSet].Names.Select(n => $"`{n}`"))
            : setting.IsGroup ? "mapping"
            : "text";
        string also = setting.Path == "split.test" ? ", or a file name" : "";
        return setting.IsList ? $"list: {type}" : type + also;
    }

    private static string Range(Setting setting, System.ComponentModel.DataAnnotations.RangeAttribute range) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{(setting.ValueType == typeof(double) ? "number" : "integer")}, "
                + $"{(range.MinimumIsExclusive ? "above " : "")}{range.Minimum:#,0.##} to {range.Maximum:#,0.##}"
        );

    private static string Default(Setting setting) =>
        setting switch
        {
            { IsRequired: true } => "required",
            { Default: null } or { IsGroup: true } => "none",
            { Default: bool flag } => flag ? "`true`" : "`false`",
            { Default: Enum choice } =>
                $"`{setting.Choices[Array.IndexOf(Enum.GetValues(setting.ValueType), choice)].Name}`",
            { IsList: true, Default: IEnumerable<string> items } => items.Any()
                ? string.Join(", ", items.Select(i => $"`{i}`"))
                : "none",
            { Default: string text } => $"`{text}`",
            { Default: IFormattable number } => number.ToString("#,0.######", CultureInfo.InvariantCulture),
            _ => "none",
        };

    [GeneratedRegex(
        @"(?<begin><!-- (?<kind>settings|choices):(?<path>[^>]*?)-->).*?<!-- end -->",
        RegexOptions.Singleline
    )]
    private static partial Regex Table();
}
