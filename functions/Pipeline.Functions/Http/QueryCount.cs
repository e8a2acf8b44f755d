using Microsoft.AspNetCore.Http;

namespace Pipeline.Functions.Http;

/// <summary>Whole numbers in the query of a call, such as <c>?take=20</c>.</summary>
internal static class QueryCount
{
    /// <summary>Reads one.</summary>
    /// <param name="request">The call.</param>
    /// <param name="name">Its name.</param>
    /// <param name="missing">What it is where it is not given.</param>
    /// <param name="most">The greatest that is allowed.</param>
    /// <param name="value">The number.</param>
    /// <returns>Whether it is a whole number from 0 to <paramref name="most"/>.</returns>
    public static bool TryRead(HttpRequest request, string name, int missing, int most, out int value)
    {
        string text = request.Query[name].ToString();
        value = missing;
        return text.Length == 0 || (int.TryParse(text, out value) && value >= 0 && value <= most);
    }
}
