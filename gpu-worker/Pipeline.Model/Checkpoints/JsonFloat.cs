using System.Globalization;
using System.Text.Json.Nodes;

namespace Pipeline.Model.Checkpoints;

/// <summary>
/// Numbers that Python reads as floats. System.Text.Json writes 6.0 as <c>6</c>, which Python's <c>json</c> makes an
/// <c>int</c>, and transformers refuses it where its configs declare a float (<c>BitsAndBytesConfig.post_init</c>,
/// <c>utils/quantization_config.py</c>).
/// </summary>
internal static class JsonFloat
{
    /// <summary>The number with a decimal point or an exponent, as Python's <c>json.dumps</c> writes a float.</summary>
    /// <param name="value">A finite number.</param>
    public static JsonNode From(double value)
    {
        string text = value.ToString("R", CultureInfo.InvariantCulture);
        return JsonNode.Parse(text.AsSpan().ContainsAny('.', 'E') ? text : text + ".0")!;
    }
}
