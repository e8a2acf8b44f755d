using System.Globalization;
using YamlDotNet.RepresentationModel;

namespace Pipeline.Datasets.Configuration;

/// <summary>
/// A mapping of project.yaml: typed reads that note each fault with its line, and the keys nobody asked for.
/// </summary>
internal sealed class YamlSection(YamlMappingNode? node, string path, List<string> faults)
{
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);

    public YamlSection Section(string key)
    {
        YamlNode? value = Take(key);
        if (value is not null and not YamlMappingNode && !IsNull(value))
        {
            Fault(value, key, "must be a mapping of keys");
        }

        return new YamlSection(value as YamlMappingNode, Path(key), faults);
    }

    public string? Text(string key, string? otherwise = null, Func<string, string?>? rule = null)
    {
        if (Scalar(key) is not { } scalar)
        {
            return otherwise;
        }

        if (rule?.Invoke(scalar.Value ?? "") is { } fault)
        {
            Fault(scalar, key, $"is '{scalar.Value}': {fault}");
        }

        return scalar.Value;
    }

    public string OneOf(string key, string otherwise, params string[] allowed) =>
        Text(
            key,
            otherwise,
            value => allowed.Contains(value, StringComparer.Ordinal) ? null : $"use one of {string.Join(", ", allowed)}"
        )!;

    public int Integer(string key, int otherwise, int minimum, int maximum)
    {
        if (Scalar(key) is not { } scalar)
        {
            return otherwise;
        }

        if (!int.TryParse(scalar.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value))
        {
            Fault(scalar, key, $"is '{scalar.Value}', not a whole number");
            return otherwise;
        }

        if (value < minimum || value > maximum)
        {
            Fault(scalar, key, $"is {value}; it must lie between {minimum} and {maximum}");
        }

        return value;
    }

    /// <summary>
    /// A number within [<paramref name="minimum"/>, <paramref name="maximum"/>]; the lower end itself only when
    /// <paramref name="open"/> is false.
    /// </summary>
    public double? Number(string key, double? otherwise, double minimum, double maximum, bool open = false)
    {
        if (Scalar(key) is not { } scalar)
        {
            return otherwise;
        }

        if (!double.TryParse(scalar.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out double value))
        {
            Fault(scalar, key, $"is '{scalar.Value}', not a number");
            return otherwise;
        }

        if (!(value >= minimum && value <= maximum) || (open && value <= minimum))
        {
            Fault(
                scalar,
                key,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"is {value}; it must lie between {minimum}{(open ? " (exclusive)" : "")} and {maximum}"
                )
            );
        }

        return value;
    }

    public bool Flag(string key, bool otherwise)
    {
        if (Scalar(key) is not { } scalar)
        {
            return otherwise;
        }

        if (scalar.Value is "true" or "false")
        {
            return scalar.Value == "true";
        }

        Fault(scalar, key, $"is '{scalar.Value}'; use true or false");
        return otherwise;
    }

    /// <summary>The items of a list, a scalar as its text or a mapping as a section.</summary>
    public IReadOnlyList<(string? Text, YamlSection? Section, int Line)> Items(string key)
    {
        YamlNode? value = Take(key);
        if (value is null || IsNull(value))
        {
            return [];
        }

        if (value is not YamlSequenceNode list)
        {
            Fault(value, key, "must be a list");
            return [];
        }

        return
        [
            .. list.Children.Select(
                (child, i) =>
                    (
                        (child as YamlScalarNode)?.Value,
                        child is YamlMappingNode mapping ? new YamlSection(mapping, $"{Path(key)}[{i}]", faults) : null,
                        (int)child.Start.Line
                    )
            ),
        ];
    }

    /// <summary>Notes every key that was not asked for.</summary>
    public void RejectOthers()
    {
        foreach (YamlNode key in node?.Children.Keys ?? Enumerable.Empty<YamlNode>())
        {
            string name = (key as YamlScalarNode)?.Value ?? key.ToString();
            if (!_known.Contains(name))
            {
                faults.Add(
                    $"line {key.Start.Line}: '{Path(name)}' is not a known key; known here: {string.Join(", ", _known.Order(StringComparer.Ordinal))}"
                );
            }
        }
    }

    /// <summary>The line of a key's value; 0 when it is not there.</summary>
    public int Line(string key) =>
        node?.Children.FirstOrDefault(c => (c.Key as YamlScalarNode)?.Value == key).Value is { } value
            ? (int)value.Start.Line
            : 0;

    public void Fault(int line, string key, string message) => faults.Add($"line {line}: '{Path(key)}' {message}");

    private void Fault(YamlNode at, string key, string message) => Fault((int)at.Start.Line, key, message);

    private YamlScalarNode? Scalar(string key)
    {
        switch (Take(key))
        {
            case null:
                return null;
            case YamlScalarNode scalar:
                return IsNull(scalar) ? null : scalar;
            case { } other:
                Fault(other, key, "must be a single value, not a list or a mapping");
                return null;
        }
    }

    private YamlNode? Take(string key)
    {
        _known.Add(key);
        return node is not null && node.Children.TryGetValue(new YamlScalarNode(key), out YamlNode? value)
            ? value
            : null;
    }

    private static bool IsNull(YamlNode value) =>
        value is YamlScalarNode { Style: YamlDotNet.Core.ScalarStyle.Plain, Value: null or "" or "~" or "null" };

    private string Path(string key) => path.Length == 0 ? key : $"{path}.{key}";
}
