using System.Collections;
using System.Globalization;
using F23.StringSimilarity;
using Pipeline.Contracts;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Pipeline.Datasets.Configuration;

/// <summary>
/// Binds a YAML mapping to a record of settings by the <see cref="Setting"/>s of its properties. Every fault is noted
/// with its line, none ends the reading: an unknown key with the nearest known one, a value of another type, a choice
/// that is none, a number out of range.
/// </summary>
/// <param name="sets">The values of each set that <see cref="ValuesOfAttribute"/> names.</param>
internal sealed class SettingsBinder(IReadOnlyDictionary<string, ValueSet> sets)
{
    private const double MaxKeyDistance = 0.4; // of the longer key
    private static readonly OptimalStringAlignment Distance = new();
    private readonly List<(int Line, string Fault)> _faults = [];
    private readonly List<string> _warnings = [];
    private readonly Dictionary<string, int> _lines = new(StringComparer.Ordinal);

    /// <summary>What is wrong, in the order of the lines.</summary>
    public IReadOnlyList<string> Faults => [.. _faults.OrderBy(f => f.Line).Select(f => f.Fault)];

    /// <summary>What is read but will not be for long.</summary>
    public IReadOnlyList<string> Warnings => _warnings;

    /// <summary>
    /// The line of a key's value, such as of <c>training.r</c> or <c>labels[1]</c>; 0: it is not given.
    /// </summary>
    public int Line(string path) => _lines.GetValueOrDefault(path);

    /// <summary>Notes a fault of a key.</summary>
    public void Fault(int line, string path, string message) => _faults.Add((line, $"line {line}: '{path}' {message}"));

    /// <summary>Binds the root.</summary>
    public T Bind<T>(YamlMappingNode? node)
        where T : class, new()
    {
        var record = new T();
        Bind(record, node, Setting.All, "");
        return record;
    }

    private void Bind(object record, YamlMappingNode? node, IReadOnlyList<Setting> settings, string path)
    {
        if (node is null)
        {
            return;
        }

        foreach ((YamlNode keyNode, YamlNode value) in node.Children)
        {
            string key = (keyNode as YamlScalarNode)?.Value ?? keyNode.ToString();
            string at = path.Length == 0 ? key : $"{path}.{key}";
            List<Setting> known = [.. settings.Where(s => s.Keys.Contains(key, StringComparer.Ordinal))];
            Setting? former = settings.FirstOrDefault(s => s.Former?.Key == key);
            if (known.Count == 0 && former is null)
            {
                _faults.Add(((int)keyNode.Start.Line, Unknown(keyNode, at, key, settings)));
                continue;
            }

            _lines[at] = (int)value.Start.Line;
            if (IsNull(value))
            {
                continue; // a key without a value has its default
            }

            if (former is not null)
            {
                BindFormer(record, former, value, at);
            }
            else
            {
                BindValue(record, known, value, at);
            }
        }
    }

    /// <summary>A key may stand for several properties: the first whose type the value has is meant.</summary>
    private void BindValue(object record, List<Setting> known, YamlNode value, string at)
    {
        Setting setting =
            known.Find(s => value is YamlScalarNode { Value: { } text } && !s.IsList && Parse(s, text) is not null)
            ?? known[^1];
        object? bound = setting switch
        {
            { IsList: true } => Items(setting, value, at),
            { IsGroup: true } => Group(setting, value, at),
            _ => Scalar(setting, value, at),
        };
        if (bound is not null)
        {
            setting.Property.SetValue(record, bound);
        }
    }

    private void BindFormer(object record, Setting setting, YamlNode value, string at)
    {
        string now = at[..^setting.Former!.Key.Length] + setting.Keys[0];
        string? text = (value as YamlScalarNode)?.Value;
        (string? Former, string? Now) = setting.Former.Values.FirstOrDefault(v => v.Former == text);
        if (Former is null)
        {
            Fault(
                (int)value.Start.Line,
                at,
                $"is '{text}': it is called '{now}' now; use one of "
                    + $"{string.Join(", ", setting.Choices.Select(c => c.Name))}"
            );
            return;
        }

        _warnings.Add(
            $"project.yaml line {value.Start.Line}: '{at}: {text}' is called '{now}: {Now}' now; the former name "
                + "goes with the next version."
        );
        setting.Property.SetValue(record, Parse(setting, Now!));
    }

    private object? Group(Setting setting, YamlNode value, string at)
    {
        if (value is not YamlMappingNode mapping)
        {
            Fault((int)value.Start.Line, at, "must be a mapping of keys");
            return null;
        }

        object record = Activator.CreateInstance(setting.ValueType)!;
        Bind(record, mapping, setting.Children, at);
        RequireWhole(record, mapping, setting.Children, at);
        return record;
    }

    /// <summary>Notes what a mapping lacks, and keys of which only one may be given.</summary>
    private void RequireWhole(object record, YamlNode node, IReadOnlyList<Setting> settings, string at)
    {
        foreach (Setting setting in settings.Where(s => s.IsRequired))
        {
            int given = setting.Keys.Count(k => Line($"{at}.{k}") > 0);
            if (given > 1)
            {
                Fault((int)node.Start.Line, at, $"has {string.Join(" and ", setting.Keys)}; give one of them");
            }
            else if (string.IsNullOrWhiteSpace(setting.Property.GetValue(record) as string))
            {
                Fault((int)node.Start.Line, at, $"has no {string.Join(" or ", setting.Keys)}: {setting.Description}");
            }
        }
    }

    private object? Items(Setting setting, YamlNode value, string at)
    {
        if (value is not YamlSequenceNode list)
        {
            Fault((int)value.Start.Line, at, "must be a list");
            return null;
        }

        var items = (IList)Activator.CreateInstance(typeof(List<>).MakeGenericType(setting.ValueType))!;
        foreach ((int index, YamlNode child) in list.Children.Index())
        {
            string itemAt = $"{at}[{index}]";
            _lines[itemAt] = (int)child.Start.Line;
            object? item = setting.IsGroup ? Item(setting, child, itemAt) : Scalar(setting, child, itemAt);
            if (item is not null)
            {
                items.Add(item);
            }
        }

        return items.Count > 0 ? items : null; // an empty list is none
    }

    private object? Item(Setting setting, YamlNode child, string at)
    {
        if (child is not YamlScalarNode scalar || setting.Children.FirstOrDefault(s => s.IsShortForm) is not { } text)
        {
            return Group(setting, child, at);
        }

        object record = Activator.CreateInstance(setting.ValueType)!;
        if (!string.IsNullOrWhiteSpace(scalar.Value) && Scalar(text, scalar, at) is null)
        {
            return null;
        }

        text.Property.SetValue(record, scalar.Value?.Trim() ?? "");
        RequireWhole(record, child, setting.Children, at);
        return record;
    }

    private object? Scalar(Setting setting, YamlNode value, string at)
    {
        int line = (int)value.Start.Line;
        if (value is not YamlScalarNode scalar)
        {
            Fault(line, at, "must be a single value, not a list or a mapping");
            return null;
        }

        string text = scalar.Value ?? "";
        if (Parse(setting, text) is not { } parsed)
        {
            Fault(line, at, WrongType(setting, text));
            return null;
        }

        if (setting.Fault(parsed) is { } fault)
        {
            Fault(
                line,
                at,
                parsed is string
                    ? $"is '{text}': {fault}"
                    : string.Create(CultureInfo.InvariantCulture, $"is {parsed}; {fault}")
            );
            return null;
        }

        if (setting.ValueSet is { } set && parsed is string name)
        {
            if (sets[set].Fault(name) is { } unknown)
            {
                Fault(line, at, $"is '{text}': {unknown}");
                return null;
            }

            return sets[set].Find(name);
        }

        return parsed;
    }

    /// <summary>A text as the setting's type; <c>null</c>: it is none.</summary>
    private static object? Parse(Setting setting, string text)
    {
        Type type = setting.ValueType;
        return type == typeof(string)
            ? setting.IsList
                ? text.Trim()
                : text
            : type == typeof(bool)
                ? text is "true" or "false"
                    ? text == "true"
                    : null
                : type == typeof(int)
                    ? Number<int>(text, NumberStyles.AllowLeadingSign)
                    : type == typeof(long)
                        ? Number<double>(text, NumberStyles.Float) is { } whole
                            ? (long)whole
                            : null
                        : type == typeof(double)
                            ? Number<double>(text, NumberStyles.Float)
                            : Choice(type, text);
    }

    private static object? Choice(Type type, string text)
    {
        (string Name, string Meaning)[] choices = [.. Setting.ChoicesOf(type)];
        int index = Array.FindIndex(choices, c => c.Name == text);
        return index < 0 ? null : Enum.GetValues(type).GetValue(index);
    }

    private static T? Number<T>(string text, NumberStyles style)
        where T : struct, System.Numerics.INumberBase<T> =>
        T.TryParse(text, style, CultureInfo.InvariantCulture, out T value) ? value : null;

    private static string WrongType(Setting setting, string text) =>
        setting.ValueType == typeof(bool) ? $"is '{text}'; use true or false"
        : setting.ValueType == typeof(int) ? $"is '{text}', not a whole number"
        : setting.ValueType.IsEnum ? $"is '{text}': use one of {string.Join(", ", setting.Choices.Select(c => c.Name))}"
        : $"is '{text}', not a number";

    private static string Unknown(YamlNode at, string path, string key, IReadOnlyList<Setting> settings)
    {
        string[] known = [.. settings.SelectMany(s => s.Keys).Distinct().Order(StringComparer.Ordinal)];
        string? nearest = known
            .Select(k =>
                (
                    Key: k,
                    Far: Distance.Distance(k.ToLowerInvariant(), key.ToLowerInvariant())
                        / Math.Max(k.Length, key.Length)
                )
            )
            .Where(k => k.Far <= MaxKeyDistance)
            .OrderBy(k => k.Far)
            .Select(k => k.Key)
            .FirstOrDefault();
        string hint = nearest is null ? "" : $"; did you mean '{nearest}'?";
        return $"line {at.Start.Line}: '{path}' is not a known key{hint}; known here: {string.Join(", ", known)}";
    }

    private static bool IsNull(YamlNode value) =>
        value is YamlScalarNode { Style: ScalarStyle.Plain, Value: null or "" or "~" or "null" };
}

/// <summary>Values of a setting that code knows, such as locales.</summary>
/// <param name="Names">Their names, for schema and messages; empty: too many or too free to list.</param>
/// <param name="Find">The value of a name as it is kept; a name of <paramref name="Fault"/>.</param>
/// <param name="Fault">What is wrong with a name, after "is NAME: "; <c>null</c>: nothing.</param>
internal sealed record ValueSet(IReadOnlyList<string> Names, Func<string, string> Find, Func<string, string?> Fault)
{
    /// <summary>A closed list of names.</summary>
    public static ValueSet From(IReadOnlyList<string> names) =>
        new(
            names,
            n => n,
            n => names.Contains(n, StringComparer.Ordinal) ? null : $"use one of {string.Join(", ", names)}"
        );
}
