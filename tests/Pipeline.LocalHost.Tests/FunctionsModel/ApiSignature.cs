using System.Globalization;
using System.Reflection;

namespace Pipeline.LocalHost.Tests.FunctionsModel;

/// <summary>Members written as official-api.json writes them.</summary>
internal static class ApiSignature
{
    private static readonly NullabilityInfoContext Nullability = new();

    public static IEnumerable<string> MembersOf(Type type)
    {
        const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        if (type.IsEnum)
        {
            return Enum.GetNames(type).Select(n => $"{n} = {Convert.ToInt64(Enum.Parse(type, n), CultureInfo.InvariantCulture)}");
        }

        IEnumerable<string> constructors = type.GetConstructors(Declared).Where(c => IsSeen(c) && !c.IsStatic).Select(c => $"ctor({Parameters(c)})");
        IEnumerable<string> properties = type.GetProperties(Declared).Where(p => p.GetAccessors(true).Any(IsSeen)).Select(Property);
        IEnumerable<string> methods = type.GetMethods(Declared).Where(m => IsSeen(m) && !m.IsSpecialName && !m.Name.StartsWith('<')).Select(Method);
        return constructors.Concat(properties).Concat(methods);
    }

    public static string KindOf(Type type) =>
        type.IsEnum ? "enum"
        : type.IsValueType ? "struct"
        : type.GetMethod("<Clone>$") is not null ? "record"
        : type is { IsAbstract: true, IsSealed: true } ? "static class"
        : type.IsAbstract ? "abstract class"
        : type.IsSealed ? "sealed class"
        : "class";

    private static bool IsSeen(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static string Property(PropertyInfo property)
    {
        NullabilityInfo nullability = Nullability.Create(property);
        string accessors = string.Concat(new[] { property.GetMethod, property.SetMethod }.OfType<MethodInfo>().Where(IsSeen).Select(m =>
            m == property.GetMethod ? "get; " : m.ReturnParameter.GetRequiredCustomModifiers().Any(x => x.Name == "IsExternalInit") ? "init; " : "set; "));
        return $"{Modifier(property.GetAccessors(true)[0])}{TypeName(property.PropertyType, nullability)} {property.Name} {{ {accessors}}}";
    }

    private static string Method(MethodInfo method)
    {
        string generic = method.IsGenericMethodDefinition ? $"<{string.Join(", ", method.GetGenericArguments().Select(a => a.Name))}>" : "";
        return $"{Modifier(method)}{TypeName(method.ReturnType, Nullability.Create(method.ReturnParameter))} {method.Name}{generic}({Parameters(method)})";
    }

    private static string Modifier(MethodInfo method) =>
        method.IsStatic ? "static " : method.IsAbstract ? "abstract " : method is { IsVirtual: true, IsFinal: false } ? "virtual " : "";

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(p =>
    {
        string type = p.ParameterType.IsByRef ? "ref " + TypeName(p.ParameterType.GetElementType()!, null) : TypeName(p.ParameterType, Nullability.Create(p));
        return $"{type} {p.Name}{(p.HasDefaultValue ? " = " + (p.DefaultValue is null ? "default" : Convert.ToString(p.DefaultValue, CultureInfo.InvariantCulture)) : "")}";
    }));

    private static string TypeName(Type type, NullabilityInfo? nullability)
    {
        if (Nullable.GetUnderlyingType(type) is { } underlying)
        {
            return TypeName(underlying, null) + "?";
        }

        string mark = nullability?.ReadState == NullabilityState.Nullable && !type.IsValueType ? "?" : nullability?.WriteState == NullabilityState.Nullable && !type.IsValueType ? "?" : "";
        if (type.IsArray)
        {
            return TypeName(type.GetElementType()!, nullability?.ElementType) + "[]" + mark;
        }

        if (type.IsGenericParameter)
        {
            return type.Name + mark;
        }

        string name = type.Namespace == "System" ? type.Name : type.FullName ?? $"{type.Namespace}.{type.Name}";
        if (!type.IsGenericType)
        {
            return name + mark;
        }

        name = (type.Namespace == "System" ? "" : type.Namespace + ".") + type.Name[..type.Name.IndexOf('`', StringComparison.Ordinal)];
        Type[] arguments = type.GetGenericArguments();
        return $"{name}<{string.Join(", ", arguments.Select((a, i) => TypeName(a, nullability?.GenericTypeArguments.ElementAtOrDefault(i))))}>{mark}";
    }
}
