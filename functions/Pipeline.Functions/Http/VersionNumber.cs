namespace Pipeline.Functions.Http;

/// <summary>A version as people write it: 17, v17 or V17.</summary>
internal static class VersionNumber
{
    public static bool TryParse(string text, out int version) =>
        int.TryParse(
            text.TrimStart('v', 'V'),
            System.Globalization.NumberStyles.None,
            System.Globalization.CultureInfo.InvariantCulture,
            out version
        )
        && version > 0;

    public static string Fault(string text) => $"'{text}' is no version; give its number, such as 17 or V17.";
}
