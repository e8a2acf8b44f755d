namespace Pipeline.Contracts;

/// <summary>A key of project.yaml that is not the property's own name. Several: one of them is given.</summary>
[AttributeUsage(AttributeTargets.Property, AllowMultiple = true)]
public sealed class SettingKeyAttribute(string key) : Attribute
{
    /// <summary>The key.</summary>
    public string Key => key;
}

/// <summary>The key that a setting had before, read for one version with a warning.</summary>
/// <param name="key">The former key.</param>
/// <param name="values">What each former value is called now, as <c>former=now</c>.</param>
[AttributeUsage(AttributeTargets.Property)]
public sealed class FormerKeyAttribute(string key, params string[] values) : Attribute
{
    /// <summary>The former key.</summary>
    public string Key => key;

    /// <summary>What each former value is called now.</summary>
    public IReadOnlyList<(string Former, string Now)> Values { get; } =
    [.. values.Select(v => v.Split('=')).Select(v => (v[0], v[1]))];
}

/// <summary>
/// A setting that is left out of ids and fingerprints at its default: it was added after the first ids were made.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class OmittedByDefaultAttribute : Attribute;

/// <summary>In a list, an item may be this property's text alone in place of a mapping.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ShortFormAttribute : Attribute;

/// <summary>The values of a setting are those of a named set, which the reader of settings supplies.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ValuesOfAttribute(string set) : Attribute
{
    /// <summary>Names of chat templates.</summary>
    public const string Templates = "chat templates";

    /// <summary>Locales of Bogus.</summary>
    public const string Locales = "locales";

    /// <summary>Types of personal data.</summary>
    public const string PersonalData = "types of personal data";

    /// <summary>Texts whose placeholders are known.</summary>
    public const string SynthesisTexts = "texts with known placeholders";

    /// <summary>Addresses that may be called.</summary>
    public const string WebAddresses = "web addresses";

    /// <summary>Mail addresses.</summary>
    public const string MailAddresses = "mail addresses";

    /// <summary>The set's name.</summary>
    public string Set => set;
}
