namespace Pipeline.Datasets.Ingestion.Rows;

/// <summary>What was noticed while reading, for the person who dropped the file.</summary>
public sealed class ReadingNotes
{
    private readonly List<string> _said = [];
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

    /// <summary>Notes how a file's bytes became text, where that is not plain UTF-8.</summary>
    internal void Read(RawFile file, MixedText text)
    {
        if (text.HasLoneReturns)
        {
            lock (_said)
            {
                _undivided.Add(file.Name);
            }
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
