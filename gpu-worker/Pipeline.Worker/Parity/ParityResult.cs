using System.Text.Json.Serialization;

namespace Pipeline.Worker.Parity;

/// <summary>One quantity compared with its reference.</summary>
/// <param name="Case">The folder of vectors.</param>
/// <param name="Quantity">What was compared.</param>
/// <param name="Error">The largest error found, in the measure of the tolerance; not a number when it could not be
/// computed (in JSON <c>"NaN"</c>).</param>
/// <param name="Tolerance">The largest error allowed, from ORIGIN.md.</param>
public sealed record ParityResult(
    string Case,
    string Quantity,
    [property: JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals)] double Error,
    double Tolerance
)
{
    /// <summary>
    /// Why it could not be computed, or which vector is the first that differs; <c>null</c>: nothing to say.
    /// </summary>
    public string? Fault { get; init; }

    public bool Passed => Error <= Tolerance;
}
