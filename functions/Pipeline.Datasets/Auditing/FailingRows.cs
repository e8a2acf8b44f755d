using Pipeline.Contracts;

namespace Pipeline.Datasets.Auditing;

/// <summary>Rows at which a check fails.</summary>
internal sealed class FailingRows
{
    private const int MaxNamed = 5;
    private readonly List<string> _first = [];
    private long _count;

    public void Add(bool wrong, Func<string> id)
    {
        if (wrong && _count++ < MaxNamed)
        {
            _first.Add(id());
        }
    }

    public AuditCheck ToCheck(string name, string detail, string fix) =>
        _count == 0
            ? new AuditCheck(name, AuditLevel.Ok, 0, "none", "")
            : new AuditCheck(name, AuditLevel.Red, _count, $"{detail}: {Named(_first, _count)}", fix);

    /// <summary>The first of some names, and how many there are besides.</summary>
    public static string Named(IReadOnlyCollection<string> names, long all) =>
        all == 0
            ? "none"
            : string.Join(", ", names.Take(MaxNamed)) + (all > MaxNamed ? $" and {all - MaxNamed} more" : "");
}
