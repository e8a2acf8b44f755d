using Pipeline.Contracts;

namespace Pipeline.Datasets.Validation;

/// <summary>Which labels are valid and which spelling stands for which.</summary>
public sealed class LabelSet
{
    /// <summary>Fewest rows that make a label of one that no code book names: one for each split.</summary>
    public const int MinRows = 3;

    private readonly Dictionary<string, string> _bySpelling;
    private readonly Dictionary<string, int> _numbers;
    private readonly bool _explicit;

    private LabelSet(Dictionary<string, string> bySpelling, bool isExplicit)
    {
        (_bySpelling, _explicit) = (bySpelling, isExplicit);
        Labels = [.. bySpelling.Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        _numbers = Labels.Index().ToDictionary(l => l.Item, l => l.Index, StringComparer.Ordinal);
    }

    /// <summary>The labels in ordinal order.</summary>
    public IReadOnlyList<string> Labels { get; }

    /// <summary>The code book that project.yaml gives.</summary>
    public static LabelSet From(IReadOnlyList<LabelDefinition> definitions)
    {
        ArgumentNullException.ThrowIfNull(definitions);
        var spellings = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (LabelDefinition definition in definitions)
        {
            foreach (string spelling in definition.Aliases.Prepend(definition.Name))
            {
                spellings[spelling] = definition.Name;
            }
        }

        return new LabelSet(spellings, isExplicit: true);
    }

    /// <summary>
    /// The labels found in the data: spellings that differ in case alone are one label, named as most rows name it.
    /// </summary>
    /// <param name="rowsBySpelling">Rows of each spelling.</param>
    public static LabelSet FromData(IReadOnlyDictionary<string, int> rowsBySpelling)
    {
        ArgumentNullException.ThrowIfNull(rowsBySpelling);
        var spellings = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (
            IGrouping<string, (string Spelling, int Rows)> group in rowsBySpelling
                .Select(s => (Spelling: s.Key.Trim(), Rows: s.Value))
                .Where(s => s.Spelling.Length > 0)
                .GroupBy(s => s.Spelling, StringComparer.OrdinalIgnoreCase)
        )
        {
            if (group.Sum(s => s.Rows) >= MinRows)
            {
                spellings[group.Key] = group
                    .GroupBy(s => s.Spelling, StringComparer.Ordinal)
                    .OrderByDescending(g => g.Sum(s => s.Rows))
                    .ThenBy(g => g.Key, StringComparer.Ordinal)
                    .First()
                    .Key;
            }
        }

        return new LabelSet(spellings, isExplicit: false);
    }

    /// <summary>The book that a plan holds.</summary>
    /// <param name="spellings">As <see cref="Spellings"/> gave them.</param>
    /// <param name="isExplicit">Whether project.yaml gave them.</param>
    public static LabelSet From(IReadOnlyDictionary<string, string> spellings, bool isExplicit) =>
        new(new Dictionary<string, string>(spellings, StringComparer.OrdinalIgnoreCase), isExplicit);

    /// <summary>Each spelling and the label that it means.</summary>
    public IReadOnlyDictionary<string, string> Spellings => _bySpelling;

    /// <summary>A label's place among <see cref="Labels"/>.</summary>
    public int NumberOf(string label) => _numbers[label];

    /// <summary>The label that <paramref name="spelling"/> means, or <c>null</c>.</summary>
    public string? Resolve(string spelling)
    {
        ArgumentNullException.ThrowIfNull(spelling);
        return _bySpelling.GetValueOrDefault(spelling.Trim());
    }

    /// <summary>Why a spelling is not a label, with what to do.</summary>
    public string Explain(string spelling) =>
        _explicit
            ? $"'{spelling}' is neither a label of project.yaml nor an alias of one"
            : $"'{spelling}' stands in fewer than {MinRows} rows; if it is a label, name it under labels in "
                + "project.yaml";
}
