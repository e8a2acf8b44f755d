namespace Pipeline.Datasets.Privacy;

/// <summary>A part of a text that tells of a person.</summary>
/// <param name="Type">One of <see cref="PrivateType"/>.</param>
/// <param name="Start">Its first character, in UTF-16 units.</param>
/// <param name="End">Behind its last one.</param>
public readonly record struct PrivateSpan(string Type, int Start, int End)
{
    /// <summary>Whether two spans share a character.</summary>
    public bool Overlaps(PrivateSpan other) => Start < other.End && other.Start < End;
}

/// <summary>The kinds that are found, under the names that Presidio has for them.</summary>
public static class PrivateType
{
    public const string Email = "EMAIL_ADDRESS";
    public const string Phone = "PHONE_NUMBER";
    public const string Card = "CREDIT_CARD";
    public const string Iban = "IBAN_CODE";
    public const string Url = "URL";
    public const string Ip = "IP_ADDRESS";
    public const string Ssn = "US_SSN";

    public const string Person = "PERSON";
    public const string Place = "GPE";
    public const string Organization = "ORGANIZATION";
    public const string StreetAddress = "STREET_ADDRESS";
    public const string Zip = "ZIP_CODE";
    public const string Date = "DATE_TIME";
    public const string Age = "AGE";
    public const string People = "NRP";

    /// <summary>Those that forms and checksums tell, the surest first.</summary>
    public static IReadOnlyList<string> Sure { get; } = [Email, Iban, Url, Ip, Card, Ssn, Phone];

    /// <summary>All of them, the surest first: where two overlap the surer one stays.</summary>
    public static IReadOnlyList<string> All { get; } =
    [.. Sure, Date, StreetAddress, Organization, Person, Place, People, Zip, Age];

    /// <summary>Our name for one that others use; their own where we have none.</summary>
    public static string Named(string other) =>
        other.ToUpperInvariant() switch
        {
            "EMAIL" or "E-MAIL" => Email,
            "PHONE" or "TELEPHONE" or "TEL" or "PHONENUMBER" => Phone,
            "CREDITCARD" or "CARD" or "CREDIT_CARD_NUMBER" => Card,
            "IBAN" => Iban,
            "DOMAIN_NAME" or "DOMAIN" or "WEBSITE" => Url,
            "IP" or "IPV4" or "IPV6" => Ip,
            "NAME" or "PER" or "PERSON_NAME" => Person,
            "LOC" or "LOCATION" or "CITY" or "COUNTRY" => Place,
            "ORG" or "COMPANY" => Organization,
            "ADDRESS" or "STREET" => StreetAddress,
            "ZIP" or "ZIPCODE" or "POSTCODE" or "POSTAL_CODE" => Zip,
            "DATE" or "TIME" => Date,
            "NATIONALITY" => People,
            "SSN" or "SOCIAL_SECURITY_NUMBER" => Ssn,
            string same => same,
        };
}
