using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Pipeline.Contracts;

/// <summary>
/// Settings as text for the hashes that make ids and fingerprints: as the version before wrote them, under their former
/// names, so that the same drop is the same run and a checkpoint fits the run that wrote it.
/// </summary>
public static class SettingsIdentity
{
    /// <summary>The text of a record of settings.</summary>
    public static string Write<T>(T settings)
        where T : notnull
    {
        JsonNode json = JsonNode.Parse(ContractJson.WriteUtf8(settings))!;
        return Former(json.AsObject(), Setting.ChildrenOf(typeof(T), "", settings)).ToJsonString(ContractJson.Compact);
    }

    private static JsonObject Former(JsonObject json, IReadOnlyList<Setting> settings)
    {
        var former = new JsonObject();
        foreach ((string name, JsonNode? value) in json)
        {
            Setting? setting = settings.FirstOrDefault(s =>
                JsonNamingPolicy.CamelCase.ConvertName(s.Property.Name) == name
            );
            if (setting is not null && IsOmitted(setting.Property, value))
            {
                continue;
            }

            JsonNode? written =
                setting is { IsGroup: true, IsList: false } && value is JsonObject group
                    ? Former(group, setting.Children)
                    : value?.DeepClone();
            former[setting?.Former?.Key ?? name] = setting?.Former is { } renamed
                ? renamed.Values.First(v => v.Now == written!.GetValue<string>()).Former
                : written;
        }

        return former;
    }

    private static bool IsOmitted(PropertyInfo property, JsonNode? value)
    {
        if (property.GetCustomAttribute<OmittedByDefaultAttribute>() is null)
        {
            return false;
        }

        object? otherwise = property.GetValue(Activator.CreateInstance(property.DeclaringType!));
        return JsonNode.DeepEquals(value, JsonSerializer.SerializeToNode(otherwise, ContractJson.Compact));
    }
}
