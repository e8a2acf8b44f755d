namespace Pipeline.Datasets.Ingestion.Rows;

/// <summary>What was noticed while reading, for the person who dropped the file.</summary>
public sealed class ReadingNotes
{
    private const int MaxUnreadNotes = 50;
    private readonly List<string> _said = [];
    private int _unread;
    private readonly HashSet<string> _undivided = [];

    /// <summary>In the order noticed.</summary>
    public IReadOnlyList<string> Sentences
    {
        get
        {
            lock (_said)
            {
                return [.. _said];
            }
        }
    }

    /// <summary>Notes a sentence, once.</summary>
    public void Add(string sentence)
    {
        lock (_said)
        {
            if (!_said.Contains(sentence))
            {
                _said.Add(sentence);
            }
        }
    }

    /// <summary>Names in quotation marks, the first 20 of them.</summary>
    internal static string List(IReadOnlyCollection<string> names)
    {
        const int MaxNames = 20;
        string more = names.Count > MaxNames ? $" and {names.Count - MaxNames:N0} more" : "";
        return string.Join(", ", names.Take(MaxNames).Select(n => $"'{n}'")) + more;
    }

    /// <summary>Notes that a file, or the rest of it, is not read; beyond 50 files only how many.</summary>
    /// <param name="file">The file, which is not divided from then on.</param>
    /// <param name="why">Why, a phrase without a full stop.</param>
    internal void AddUnread(RawFile file, string why)
    {
        lock (_said)
        {
            MarkUndivided(file);
            string sentence = $"Not read of '{file.Name}': {why}.";
            if (_said.Contains(sentence))
            {
                return;
            }

            _unread++;
            if (_unread <= MaxUnreadNotes)
            {
                _said.Add(sentence);
                return;
            }

            _said.RemoveAll(s => s.StartsWith(MoreUnread, StringComparison.Ordinal));
            _said.Add($"{MoreUnread}{_unread - MaxUnreadNotes:N0} more files.");
        }
    }

    /// <summary>Notes that parts of a file cannot be read by themselves.</summary>
    internal void MarkUndivided(RawFile file)
    {
        lock (_said)
        {
            _undivided.Add(file.Name);
        }
    }

    /// <summary>
    /// Whether parts of a file that was read can be read by themselves: a carriage return alone ends a row or does not,
    /// as the ones before it were.
    /// </summary>
    internal bool IsSafeToDivide(RawFile file)
    {
        lock (_said)
        {
            return !_undivided.Contains(file.Name);
        }
    }

    private const string MoreUnread = "Not read: ";

    /// <summary>Notes how a file's bytes became text, where that is not plain UTF-8.</summary>
    internal void Read(RawFile file, MixedText text)
    {
        if (text.HasLoneReturns)
        {
            MarkUndivided(file);
        }

        if (text.EncodingName != "UTF-8")
        {
            Add($"'{file.Name}' was read as {text.EncodingName}.");
        }
        else if (text.Repaired > 0)
        {
            Add($"'{file.Name}' is UTF-8 with {text.Repaired} bytes that are not; they were read as Windows-1252.");
        }
    }
}
