using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Building;

/// <summary>The beginning of a file of text, so that a large one can be looked at quickly.</summary>
internal static class FileBeginning
{
    /// <summary>Bytes that are read of a file of text.</summary>
    public const int MaxBytes = 8 << 20;
    private const int HeadBytes = 4096;

    /// <summary>
    /// The file's first bytes, up to the end of a line; the file itself where it is short, a folder, or packed: of
    /// those nothing can be left out.
    /// </summary>
    public static (RawFile File, bool IsCut) From(RawFile file)
    {
        if (file.IsFolder || file.Length <= MaxBytes || !MixedText.LooksLikeText(file.Head(HeadBytes)))
        {
            return (file, false);
        }

        byte[] bytes = new byte[MaxBytes - HeadBytes];
        int read;
        using (Stream stream = file.Open())
        {
            read = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        }

        int end = Array.LastIndexOf(bytes, (byte)'\n', read - 1) + 1;
        return (new RawFile(file.Name, bytes.AsMemory(0, end > 0 ? end : read)), true);
    }
}
