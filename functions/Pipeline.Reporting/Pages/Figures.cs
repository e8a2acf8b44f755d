using System.Globalization;
using Pipeline.Contracts;

namespace Pipeline.Reporting.Pages;

/// <summary>Shares and differences as people read them, the same on every page, in every message and table.</summary>
public static class Figures
{
    /// <summary>A share, such as <c>95.0 %</c>.</summary>
    public static string Percent(double fraction) =>
        (100 * fraction).ToString("0.0", CultureInfo.InvariantCulture) + " %";

    /// <summary>A share that may not be there; empty then.</summary>
    public static string Percent(double? fraction) => fraction is { } value ? Percent(value) : "";

    /// <summary>A difference in points, with its sign.</summary>
    public static string WithSign(double fraction) =>
        (100 * fraction).ToString("+0.0;-0.0;0.0", CultureInfo.InvariantCulture);

    /// <summary>An interval of a difference, in points.</summary>
    public static string Points(Interval interval)
    {
        ArgumentNullException.ThrowIfNull(interval);
        return $"{WithSign(interval.Low)} to {WithSign(interval.High)}";
    }
}
