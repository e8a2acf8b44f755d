using System.Collections;
using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Pipeline.Contracts;

/// <summary>
/// One setting of project.yaml as the attributes of its property describe it. The reader, the JSON schema, the
/// documentation and the checks before training all go by this.
/// </summary>
public sealed class Setting
{
    private Setting(PropertyInfo property, string parent, object? holder)
    {
        Property = property;
        Type type = property.PropertyType;
        IsList = type != typeof(string) && type.IsAssignableTo(typeof(IEnumerable));
        Type item = IsList ? type.GetGenericArguments()[0] : type;
        ValueType = Nullable.GetUnderlyingType(item) ?? item;
        Keys = [.. property.GetCustomAttributes<SettingKeyAttribute>().Select(k => k.Key)];
        Keys = Keys.Count > 0 ? Keys : [JsonNamingPolicy.CamelCase.ConvertName(property.Name)];
        Path = parent.Length == 0 ? Keys[0] : $"{parent}.{Keys[0]}";
        Default = holder is null ? null : property.GetValue(holder);
        Choices = ValueType.IsEnum ? ChoicesOf(ValueType) : [];
        Children = IsGroup ? ChildrenOf(ValueType, IsList ? $"{Path}[]" : Path, IsList ? null : Default) : [];
    }

    /// <summary>The property that holds it.</summary>
    public PropertyInfo Property { get; }

    /// <summary>Its key, or keys of which one is given.</summary>
    public IReadOnlyList<string> Keys { get; }

    /// <summary>Its keys from the file's root, such as <c>training.r</c>; items of a list as <c>labels[]</c>.</summary>
    public string Path { get; }

    /// <summary>Whether it is a list of its values.</summary>
    public bool IsList { get; }

    /// <summary>The type of its value, or of an item; never a <see cref="Nullable{T}"/>.</summary>
    public Type ValueType { get; }

    /// <summary>Whether its value is a mapping of further settings.</summary>
    public bool IsGroup => ValueType.IsClass && ValueType != typeof(string);

    /// <summary>The settings of the mapping.</summary>
    public IReadOnlyList<Setting> Children { get; }

    /// <summary>The value without the key; <c>null</c>: none.</summary>
    public object? Default { get; }

    /// <summary>What it means, a phrase without a full stop; empty where another property of its key says it.</summary>
    public string Description => Property.GetCustomAttribute<DescriptionAttribute>()?.Description ?? "";

    /// <summary>Names and meanings of the choices; empty: it is not a choice.</summary>
    public IReadOnlyList<(string Name, string Meaning)> Choices { get; }

    /// <summary>Range of a number; <c>null</c>: any value will do.</summary>
    public RangeAttribute? Range => Property.GetCustomAttribute<RangeAttribute>();

    /// <summary>The form of a text; <c>null</c>: any.</summary>
    public RegularExpressionAttribute? Pattern => Property.GetCustomAttribute<RegularExpressionAttribute>();

    /// <summary>The set that its values are of; <c>null</c>: none.</summary>
    public string? ValueSet => Property.GetCustomAttribute<ValuesOfAttribute>()?.Set;

    /// <summary>Whether an item of a list may be this value's text alone.</summary>
    public bool IsShortForm => Property.GetCustomAttribute<ShortFormAttribute>() is not null;

    /// <summary>The key it had before; <c>null</c>: none.</summary>
    public FormerKeyAttribute? Former => Property.GetCustomAttribute<FormerKeyAttribute>();

    /// <summary>Whether a mapping without it is incomplete.</summary>
    public bool IsRequired => Property.GetCustomAttribute<RequiredMemberAttribute>() is not null;

    /// <summary>The settings of a file.</summary>
    public static IReadOnlyList<Setting> All { get; } = ChildrenOf(typeof(ProjectSettings), "", new ProjectSettings());

    /// <summary>The settings of a record.</summary>
    /// <param name="type">A record of settings.</param>
    /// <param name="path">The path of the mapping; empty: the root.</param>
    /// <param name="holder">The record with every default; <c>null</c>: made here where it can be.</param>
    public static IReadOnlyList<Setting> ChildrenOf(Type type, string path, object? holder = null)
    {
        ArgumentNullException.ThrowIfNull(type);
        holder ??= Activator.CreateInstance(type);
        return
        [
            .. type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
                .Where(p => p.SetMethod is not null)
                .Where(p => p.GetCustomAttribute<BrowsableAttribute>()?.Browsable != false)
                .Select(p => new Setting(p, path, holder)),
        ];
    }

    /// <summary>What is wrong with a value, after "is VALUE"; <c>null</c>: nothing.</summary>
    /// <param name="value">A value of <see cref="ValueType"/>.</param>
    public string? Fault(object value) =>
        Range is { } range && !range.IsValid(value) ? $"it must lie between {RangeText(range)}"
        : Pattern is { } pattern && !pattern.IsValid(value) ? pattern.ErrorMessage
        : ValueType.IsEnum && !Enum.IsDefined(ValueType, value)
            ? $"use one of {string.Join(", ", Choices.Select(c => c.Name))}"
        : null;

    /// <summary>The range in words: <c>0 (exclusive) and 1</c>.</summary>
    public static string RangeText(RangeAttribute range)
    {
        ArgumentNullException.ThrowIfNull(range);
        return string.Create(
            System.Globalization.CultureInfo.InvariantCulture,
            $"{range.Minimum}{(range.MinimumIsExclusive ? " (exclusive)" : "")} and {range.Maximum}"
        );
    }

    /// <summary>Names and meanings of an enumeration, in the order of its values.</summary>
    public static IReadOnlyList<(string Name, string Meaning)> ChoicesOf(Type type) =>
        [
            .. type.GetFields(BindingFlags.Public | BindingFlags.Static)
                .Select(f =>
                    (
                        f.GetCustomAttribute<System.Text.Json.Serialization.JsonStringEnumMemberNameAttribute>()?.Name
                            ?? f.Name,
                        f.GetCustomAttribute<DescriptionAttribute>()?.Description ?? ""
                    )
                ),
        ];
}
