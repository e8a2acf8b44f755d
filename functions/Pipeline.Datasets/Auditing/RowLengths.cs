using Pipeline.Contracts;

namespace Pipeline.Datasets.Auditing;

/// <summary>Rows' lengths.</summary>
internal sealed class RowLengths
{
    private readonly List<int> _lengths = [];
    private long _supervised;

    public IReadOnlyList<int> Lengths => _lengths;

    public int Longest => _lengths.Count == 0 ? 0 : _lengths.Max();

    public void Add(RowMeasure measure)
    {
        _lengths.Add(measure.Tokens);
        _supervised += measure.Supervised;
    }

    public TokenCounts Counts()
    {
        _lengths.Sort();
        int At(double share) =>
            _lengths.Count == 0
                ? 0
                : _lengths[(int)Math.Min(_lengths.Count - 1, Math.Ceiling(share * _lengths.Count) - 1)];
        return new TokenCounts(
            _lengths.Count,
            _lengths.Sum(l => (long)l),
            _supervised,
            At(0.5),
            At(0.95),
            _lengths.Count == 0 ? 0 : _lengths[^1]
        );
    }
}
