using System.Reflection;
using System.Text.Json.Serialization;

namespace Pipeline.Contracts;

/// <summary>The names that choices have in files, JSON and messages.</summary>
public static class EnumNames
{
    /// <summary>The name of a choice, as <see cref="JsonStringEnumMemberNameAttribute"/> gives it.</summary>
    public static string Name<T>(this T value)
        where T : struct, Enum => Names<T>.ByValue.TryGetValue(value, out string? name) ? name : value.ToString();

    /// <summary>The choice of a name; <c>null</c>: no choice has it. Case matters.</summary>
    public static T? Parse<T>(string name)
        where T : struct, Enum => Names<T>.ByName.TryGetValue(name, out T value) ? value : null;

    /// <summary>All names, in the order declared.</summary>
    public static IReadOnlyList<string> All<T>()
        where T : struct, Enum => [.. Names<T>.ByValue.Values];

    private static class Names<T>
        where T : struct, Enum
    {
        public static readonly Dictionary<T, string> ByValue = typeof(T)
            .GetFields(BindingFlags.Public | BindingFlags.Static)
            .ToDictionary(
                f => (T)f.GetValue(null)!,
                f => f.GetCustomAttribute<JsonStringEnumMemberNameAttribute>()?.Name ?? f.Name
            );

        public static readonly Dictionary<string, T> ByName = ByValue.ToDictionary(
            v => v.Value,
            v => v.Key,
            StringComparer.Ordinal
        );
    }
}
