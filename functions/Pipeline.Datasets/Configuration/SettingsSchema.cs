using System.Text.Json.Nodes;
using Pipeline.Contracts;

namespace Pipeline.Datasets.Configuration;

/// <summary>
/// The JSON schema of project.yaml, made of the same <see cref="Setting"/>s that its reader goes by: editors complete
/// keys and mark mistakes by it. Draft 2020-12.
/// </summary>
public static class SettingsSchema
{
    /// <summary>The schema.</summary>
    public static JsonObject Create() =>
        new()
        {
            ["$schema"] = "https://json-schema.org/draft/2020-12/schema",
            ["title"] = "project.yaml",
            ["description"] = "Settings of a project; every key is optional.",
            ["type"] = "object",
            ["additionalProperties"] = false,
            ["properties"] = Properties(Setting.All),
        };

    private static JsonObject Properties(IReadOnlyList<Setting> settings)
    {
        var properties = new JsonObject();
        foreach (
            IGrouping<string, Setting> key in settings
                .SelectMany(s => s.Keys.Select(k => (k, s)))
                .GroupBy(k => k.k, k => k.s)
        )
        {
            Setting[] meant = [.. key];
            JsonObject schema =
                meant.Length == 1
                    ? Value(meant[0])
                    : new JsonObject { ["anyOf"] = new JsonArray([.. meant.Select(m => (JsonNode)Value(m))]) };
            schema["description"] ??= meant.Select(m => m.Description).First(d => d.Length > 0);
            properties[key.Key] = schema;
        }

        foreach (Setting setting in settings.Where(s => s.Former is not null))
        {
            properties[setting.Former!.Key] = new JsonObject
            {
                ["deprecated"] = true,
                ["description"] = $"the former name of {setting.Keys[0]}",
                ["enum"] = Names(setting.Former.Values.Select(v => v.Former)),
            };
        }

        return properties;
    }

    private static JsonObject Value(Setting setting)
    {
        JsonObject value = setting.IsGroup ? Group(setting) : Single(setting);
        if (setting.IsList)
        {
            value = new JsonObject { ["type"] = "array", ["items"] = value };
        }

        if (setting.Description.Length > 0)
        {
            value["description"] = setting.Description;
        }

        if (!setting.IsGroup && !setting.IsList && setting.Default is { } standard)
        {
            value["default"] = standard is Enum choice
                ? setting.Choices[Array.IndexOf(Enum.GetValues(setting.ValueType), choice)].Name
                : JsonValue.Create(standard);
        }

        return value;
    }

    private static JsonObject Group(Setting setting)
    {
        var group = new JsonObject
        {
            ["type"] = setting.IsList ? "object" : new JsonArray("object", "null"),
            ["additionalProperties"] = false,
            ["properties"] = Properties(setting.Children),
        };
        string[] required =
        [
            .. setting.Children.Where(c => c is { IsRequired: true, Keys.Count: 1 }).Select(c => c.Keys[0]),
        ];
        if (required.Length > 0)
        {
            group["required"] = Names(required);
        }

        if (setting.Children.FirstOrDefault(c => c.Keys.Count > 1) is { } either)
        {
            group["oneOf"] = new JsonArray([
                .. either.Keys.Select(k => (JsonNode)new JsonObject { ["required"] = Names([k]) }),
            ]);
        }

        return setting.Children.FirstOrDefault(c => c.IsShortForm) is { } text
            ? new JsonObject { ["anyOf"] = new JsonArray(Single(text), group) }
            : group;
    }

    private static JsonObject Single(Setting setting)
    {
        var schema = new JsonObject();
        IEnumerable<string> names =
            setting.Choices.Count > 0 ? setting.Choices.Select(c => c.Name)
            : setting.ValueSet is { } set ? ProjectFile.Sets[set].Names
            : [];
        if (names.Any() && setting.ValueSet != ValuesOfAttribute.PersonalData)
        {
            schema["enum"] = Names(names);
            return schema;
        }

        schema["type"] =
            setting.ValueType == typeof(bool) ? "boolean"
            : setting.ValueType == typeof(int) || setting.ValueType == typeof(long) ? "integer"
            : setting.ValueType == typeof(double) ? "number"
            : "string";
        if (names.Any())
        {
            schema["examples"] = Names(names); // other spellings are read too
        }

        if (setting.Range is { } range)
        {
            schema[range.MinimumIsExclusive ? "exclusiveMinimum" : "minimum"] = JsonValue.Create(range.Minimum);
            schema["maximum"] = JsonValue.Create(range.Maximum);
        }

        if (setting.Pattern is { } pattern)
        {
            schema["pattern"] = $"^(?:{pattern.Pattern.TrimStart('^').Replace(@"\z", "", StringComparison.Ordinal)})$";
        }

        return schema;
    }

    private static JsonArray Names(IEnumerable<string> names) => [.. names.Select(n => (JsonNode)n)];
}
