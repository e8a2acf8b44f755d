using System.Globalization;
using System.Text.Json;

namespace Pipeline.Contracts;

/// <summary>
/// Files of a model or an adapter that came from somewhere else. What is not a file, leads out of its folder or is far
/// larger than such a file is, is refused before a byte is taken up.
/// </summary>
public static class InputFile
{
    /// <summary>Megabytes of a file of settings, such as config.json.</summary>
    public const int SettingsMegabytes = 4;

    /// <summary>Megabytes of a tokenizer, and of the list of a checkpoint's tensors.</summary>
    public const int TokenizerMegabytes = 128;

    private const int MaxShown = 200;

    /// <summary>Duplicate keys are refused: readers differ in which of them counts.</summary>
    public static JsonDocumentOptions Strict { get; } = new() { AllowDuplicateProperties = false };

    /// <summary>Refuses a path that is not a file within its folder.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="InvalidDataException">It is a folder, a pipe or a device, or a link that leads out of the
    /// folder.</exception>
    public static void Require(string path)
    {
        if (FileKind.Fault(path, mayBeLink: true) is { } kind)
        {
            throw new InvalidDataException($"'{OneLine(path)}' is {kind}, not a file.");
        }

        if (new FileInfo(path) is { LinkTarget: not null } link && !IsWithin(link))
        {
            throw new InvalidDataException(
                $"'{OneLine(path)}' is a link that leads out of its folder; put the file itself there."
            );
        }
    }

    /// <summary>A file's bytes.</summary>
    /// <param name="path">The file.</param>
    /// <param name="maxMegabytes">What it may have.</param>
    /// <exception cref="InvalidDataException">It is not a file, or larger.</exception>
    public static byte[] ReadAll(string path, int maxMegabytes)
    {
        Require(path);
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        RequireSize(path, stream.Length, maxMegabytes);
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>A file that is a JSON object with each key once.</summary>
    /// <param name="path">The file.</param>
    /// <param name="maxMegabytes">What it may have.</param>
    /// <exception cref="InvalidDataException">It is not.</exception>
    public static JsonDocument ReadJson(string path, int maxMegabytes)
    {
        byte[] bytes = ReadAll(path, maxMegabytes);
        JsonDocument document;
        try
        {
            RequireTexts(bytes);
            document = JsonDocument.Parse(bytes, Strict);
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"'{OneLine(path)}' cannot be read: {OneLine(fault.Message)}", fault);
        }

        if (document.RootElement.ValueKind == JsonValueKind.Object)
        {
            return document;
        }

        JsonValueKind kind = document.RootElement.ValueKind;
        document.Dispose();
        throw new InvalidDataException($"'{OneLine(path)}' cannot be read: it holds no JSON object but {kind}.");
    }

    /// <summary>Copies a file of settings.</summary>
    /// <exception cref="InvalidDataException">It is not a file, or too large.</exception>
    public static void Copy(string from, string to)
    {
        Require(from);
        RequireSize(from, new FileInfo(from).Length, TokenizerMegabytes);
        File.Copy(from, to, overwrite: true);
    }

    /// <summary>A text from a file as one line of a message: without control characters, and short.</summary>
    public static string OneLine(string? text)
    {
        string shown = string.Concat(
            (text ?? "")
                .Take(MaxShown)
                .Select(c =>
                    char.IsControl(c) || char.IsSurrogate(c)
                        ? string.Create(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}")
                        : c.ToString()
                )
        );
        return text?.Length > MaxShown ? shown + "…" : shown;
    }

    /// <summary>Takes up every text once: half of a surrogate pair is found when a text is taken, not before.</summary>
    /// <exception cref="InvalidOperationException">A text is none.</exception>
    private static void RequireTexts(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && reader.ValueIsEscaped)
            {
                _ = reader.GetString();
            }
        }
    }

    private static void RequireSize(string path, long length, int maxMegabytes)
    {
        if (length > (long)maxMegabytes << 20)
        {
            throw new InvalidDataException(
                $"'{OneLine(path)}' has {length:N0} bytes; such a file has at most {maxMegabytes:N0} megabytes."
            );
        }
    }

    /// <summary>
    /// Whether a link stays in its folder, or leads to the <c>blobs</c> beside <c>snapshots</c>, as in the cache of the
    /// Hugging Face Hub.
    /// </summary>
    private static bool IsWithin(FileInfo link)
    {
        string? target;
        try
        {
            target = link.ResolveLinkTarget(returnFinalTarget: true)?.FullName;
        }
        catch (IOException)
        {
            return false; // a link to itself
        }

        string folder = Path.GetFullPath(link.DirectoryName!);
        string? snapshots = Path.GetDirectoryName(folder);
        string blobs =
            Path.GetFileName(snapshots) == "snapshots"
                ? Path.Combine(Path.GetDirectoryName(snapshots)!, "blobs")
                : folder;
        return target is not null
            && ((string[])[folder, blobs]).Any(f =>
                target.StartsWith(f + Path.DirectorySeparatorChar, StringComparison.Ordinal)
            );
    }
}
