using Pipeline.Datasets.Ingestion.Files;

namespace Pipeline.Datasets.Ingestion;

/// <summary>What was noticed while reading, for the person who dropped the file.</summary>
public sealed class ReadingNotes
{
    private readonly List<string> _said = [];

    /// <summary>In the order noticed.</summary>
    public IReadOnlyList<string> Said => _said;

    /// <summary>Notes a sentence, once.</summary>
    public void Say(string sentence)
    {
        if (!_said.Contains(sentence))
        {
            _said.Add(sentence);
        }
    }

    /// <summary>Notes how a file's bytes became text, where that is not plain UTF-8.</summary>
    internal void Read(RawFile file, MixedText text)
    {
        if (text.EncodingName != "UTF-8")
        {
            Say($"'{file.Name}' was read as {text.EncodingName}.");
        }
        else if (text.Repaired > 0)
        {
            Say($"'{file.Name}' is UTF-8 with {text.Repaired} bytes that are not; they were read as Windows-1252.");
        }
    }
}
