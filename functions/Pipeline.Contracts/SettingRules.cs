using System.Globalization;

namespace Pipeline.Contracts;

/// <summary>Checks settings that did not come from project.yaml by the same rules, such as those of a job.</summary>
public static class SettingRules
{
    /// <summary>Every value out of range, a phrase without a full stop.</summary>
    /// <param name="settings">A record of settings.</param>
    /// <param name="path">The path of the record, such as <c>training</c>.</param>
    public static IEnumerable<string> Check(object settings, string path)
    {
        ArgumentNullException.ThrowIfNull(settings);
        foreach (Setting setting in Setting.ChildrenOf(settings.GetType(), path))
        {
            object? value = setting.Property.GetValue(settings);
            if (value is null || setting.IsList)
            {
                continue;
            }

            if (setting.IsGroup)
            {
                foreach (string fault in Check(value, setting.Path))
                {
                    yield return fault;
                }
            }
            else if (setting.Fault(value) is { } fault)
            {
                yield return string.Create(CultureInfo.InvariantCulture, $"{setting.Path} is {value}; {fault}");
            }
        }
    }
}
