using System.Text.RegularExpressions;

namespace Pipeline.Datasets.Configuration;

/// <summary>Values as they are written in project.yaml.</summary>
public static partial class YamlText
{
    /// <summary>A text as a scalar: as it is where that reads back as a text, else in single quotes.</summary>
    public static string Scalar(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        bool isPlain = Plain().IsMatch(text) && !Words().IsMatch(text);
        return isPlain ? text : $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";
    }

    [GeneratedRegex(@"^[A-Za-z][A-Za-z0-9_.\-]*\z")]
    private static partial Regex Plain();

    [GeneratedRegex(@"^(?:true|false|yes|no|on|off|null|y|n)\z", RegexOptions.IgnoreCase)]
    private static partial Regex Words();
}
