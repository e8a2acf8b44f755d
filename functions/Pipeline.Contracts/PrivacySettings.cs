using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace Pipeline.Contracts;

/// <summary>What becomes of parts of texts that tell of people.</summary>
public sealed record PrivacySettings
{
    /// <summary>
    /// <c>keep</c> (default): they stay; <c>mask</c>: <c>&lt;EMAIL_ADDRESS&gt;</c> and the like; <c>surrogate</c>:
    /// made-up ones of the same kind, the same for the same value.
    /// </summary>
    [Description("what happens to personal data in texts")]
    public PrivacyMode Mode { get; init; }

    /// <summary>
    /// The types that are replaced, under Presidio's names. Default: those that forms and checksums tell, people and
    /// street addresses.
    /// </summary>
    [ValuesOf(ValuesOfAttribute.PersonalData)]
    [Description("which types are replaced, by Presidio's names")]
    public IReadOnlyList<string> Types { get; init; } =
    [
        "EMAIL_ADDRESS",
        "IBAN_CODE",
        "URL",
        "IP_ADDRESS",
        "CREDIT_CARD",
        "US_SSN",
        "PHONE_NUMBER",
        "PERSON",
        "STREET_ADDRESS",
    ];

    /// <summary>Language and country of surrogates: a locale of Bogus. Default <c>en</c>.</summary>
    [ValuesOf(ValuesOfAttribute.Locales)]
    [Description("language and country of surrogates, a locale of Bogus")]
    public string Locale { get; init; } = "en";

    /// <summary>
    /// Another seed gives other surrogates. Keep it to yourself: who knows it, and guesses a value, can tell whether
    /// the value was there. 0 to 2,147,483,647; default 1.
    /// </summary>
    [Range(0, int.MaxValue)]
    [Description("another seed gives other surrogates; a secret")]
    public int Seed { get; init; } = 1;
}
