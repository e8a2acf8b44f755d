using System.Text.RegularExpressions;

namespace Pipeline.LocalHost.Triggers;

/// <summary>
/// A blob trigger's path: <c>container/{part}/{name}</c>. A part stops at a slash, the last one takes the rest.
/// </summary>
public sealed class BlobPath
{
    private readonly Regex _pattern;

    public BlobPath(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        int slash = path.IndexOf('/', StringComparison.Ordinal);
        Container = slash < 0 ? path : path[..slash];
        string rest = slash < 0 ? "{name}" : path[(slash + 1)..];
        int last = rest.LastIndexOf('{');
        string escaped = Regex.Replace(
            Regex.Escape(rest).Replace("}", "\\}", StringComparison.Ordinal),
            @"\\\{(\w+)\\\}",
            m => $"(?<{m.Groups[1].Value}>[^/]+)"
        );
        string lastName = last < 0 ? "" : rest[(last + 1)..rest.IndexOf('}', last)];
        _pattern = new Regex(
            "^" + escaped.Replace($"(?<{lastName}>[^/]+)", $"(?<{lastName}>.+)", StringComparison.Ordinal) + "$",
            RegexOptions.CultureInvariant | RegexOptions.Singleline
        );
    }

    /// <summary>The container.</summary>
    public string Container { get; }

    /// <summary>The parts of a blob's name; <c>null</c>: it does not fit.</summary>
    public IReadOnlyDictionary<string, string>? Match(string blobName)
    {
        Match match = _pattern.Match(blobName);
        return match.Success
            ? match
                .Groups.Cast<Group>()
                .Where(g => g.Name != "0")
                .ToDictionary(g => g.Name, g => g.Value, StringComparer.OrdinalIgnoreCase)
            : null;
    }
}
