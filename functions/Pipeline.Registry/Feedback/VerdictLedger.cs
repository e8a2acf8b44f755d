using Pipeline.Contracts;

namespace Pipeline.Registry.Feedback;

/// <summary>
/// What a project's log of verdicts comes to: one verdict a reviewer and item, the newest; all without a key are one
/// reviewer. An item is a text and the version that answered it. Adding a verdict costs the same however many there
/// are.
/// </summary>
public sealed class VerdictLedger
{
    private readonly Dictionary<(string Item, string Version, string Reviewer), PlacedVerdict> _current = [];
    private readonly Dictionary<string, (string Item, string Version, string Reviewer)> _keys = new(
        StringComparer.Ordinal
    );
    private readonly Dictionary<string, HashSet<(string Item, string Version, string Reviewer)>> _byText = new(
        StringComparer.Ordinal
    );
    private readonly List<(string Place, string Text)> _added = [];

    /// <summary>The place of the newest verdict in the log; empty: there is none.</summary>
    public string Through { get; private set; } = "";

    /// <summary>The verdict of an id that counts; <c>null</c>: none does.</summary>
    public FeedbackRecord? Find(string id) =>
        _keys.TryGetValue(id, out var key) && _current.TryGetValue(key, out PlacedVerdict? found) ? found.Record : null;

    /// <summary>Ids of the verdicts on a text that count.</summary>
    public IReadOnlyList<string> IdsOf(string text) =>
        _byText.TryGetValue(TextKey.From(text), out var keys)
            ? [.. keys.Where(_current.ContainsKey).Select(k => _current[k].Record.Id)]
            : [];

    /// <summary>Ids of the verdicts on a row of a dataset that count, whatever its text was made to.</summary>
    public IReadOnlyList<string> IdsOfRow(string rowId) =>
        [.. _current.Values.Where(v => v.Record.RowId == rowId).Select(v => v.Record.Id)];

    /// <summary>Takes the next verdict of the log.</summary>
    /// <param name="record">The verdict.</param>
    /// <param name="place">Its place in the log, in ordinal order.</param>
    public void Add(FeedbackRecord record, string place)
    {
        ArgumentNullException.ThrowIfNull(record);
        Through = string.CompareOrdinal(place, Through) > 0 ? place : Through;
        if (record.Withdraws is { } withdrawn)
        {
            if (_keys.TryGetValue(withdrawn, out var old))
            {
                _current.Remove(old);
                Forget(withdrawn, old);
            }

            return;
        }

        string text = KeyOf(record);
        (string, string, string) key = (text, record.AdapterVersion ?? "", record.HasKey ? record.Reviewer! : "");
        if (_current.TryGetValue(key, out PlacedVerdict? before))
        {
            if (before.Record.Id == record.Id)
            {
                return; // sent again
            }

            Forget(before.Record.Id, key);
        }

        _current[key] = new PlacedVerdict(record with { Ranking = null, Comment = null }, place);
        _keys[record.Id] = key;
        if (!_byText.TryGetValue(text, out var keys))
        {
            _byText[text] = keys = [];
        }

        keys.Add(key);
        _added.Add((place, text));
    }

    /// <summary>Every text that somebody has corrected, in ordinal order, with who says what.</summary>
    /// <param name="settings">The project's policy.</param>
    public IReadOnlyList<VerdictItem> Items(FeedbackSettings settings) =>
        [.. _byText.Keys.Order(StringComparer.Ordinal).Select(t => Item(t, settings)).OfType<VerdictItem>()];

    /// <summary>Texts whose answers have a thumb down, and that nobody has answered, in ordinal order.</summary>
    /// <param name="settings">The project's policy.</param>
    public IReadOnlyList<ThumbedText> ThumbsDown(FeedbackSettings settings) =>
        [
            .. _byText
                .Keys.Order(StringComparer.Ordinal)
                .Where(t => Item(t, settings)?.Votes.Any(v => v.Reviewer is not null) != true)
                .Select(t => VerdictItems.Thumbs(Current(t)))
                .OfType<ThumbedText>(),
        ];

    /// <summary>Corrected texts that are decided and have a vote that no training has used.</summary>
    /// <param name="settings">The project's policy.</param>
    /// <param name="registry">Says what was used.</param>
    public IReadOnlyList<VerdictItem> Waiting(FeedbackSettings settings, RegistryPointer registry)
    {
        ArgumentNullException.ThrowIfNull(registry);
        string used = registry.UsedFeedbackThrough ?? "";
        return VerdictItems.Waiting(
            _added
                .AsEnumerable()
                .Reverse()
                .TakeWhile(a => used.Length == 0 || string.CompareOrdinal(a.Place, used) > 0)
                .Select(a => a.Text)
                .Distinct(StringComparer.Ordinal)
                .Select(t => Item(t, settings))
                .OfType<VerdictItem>(),
            registry
        );
    }

    /// <summary>The item of a text, which is written as it was first sent.</summary>
    private VerdictItem? Item(string key, FeedbackSettings settings)
    {
        PlacedVerdict[] verdicts = Current(key);
        return verdicts.Length == 0
            ? null
            : VerdictItems.From(verdicts[0].Record.Text?.Trim() ?? "", verdicts, settings);
    }

    /// <summary>The verdicts on a text that count, in the log's order.</summary>
    private PlacedVerdict[] Current(string key) =>
        [
            .. _byText[key]
                .Where(_current.ContainsKey)
                .Select(k => _current[k])
                .OrderBy(v => v.Place, StringComparer.Ordinal)
                .ThenBy(v => v.Record.At)
                .ThenBy(v => v.Record.Id, StringComparer.Ordinal),
        ];

    private void Forget(string id, (string Item, string Version, string Reviewer) key)
    {
        _keys.Remove(id);
        if (!_current.ContainsKey(key) && _byText.TryGetValue(key.Item, out var keys))
        {
            keys.Remove(key);
        }
    }

    private static string KeyOf(FeedbackRecord record) =>
        string.IsNullOrWhiteSpace(record.Text) ? $"run {record.RunId}" : TextKey.From(record.Text);
}

/// <summary>A verdict and its place in the log.</summary>
internal sealed record PlacedVerdict(FeedbackRecord Record, string Place);
