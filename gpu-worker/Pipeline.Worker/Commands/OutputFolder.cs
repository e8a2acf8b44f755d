namespace Pipeline.Worker.Commands;

/// <summary>A folder that is there whole or not at all: it is filled under another name.</summary>
internal static class OutputFolder
{
    private const string Suffix = ".partial";

    /// <summary>The folder to fill.</summary>
    /// <exception cref="InvalidDataException">The target holds something already.</exception>
    public static string Begin(string target)
    {
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(target));
        if (File.Exists(full) || (Directory.Exists(full) && Directory.EnumerateFileSystemEntries(full).Any()))
        {
            throw new InvalidDataException($"'{target}' is there already; name a folder that is empty or not there.");
        }

        if (Directory.Exists(full + Suffix))
        {
            Directory.Delete(full + Suffix, recursive: true);
        }

        return Directory.CreateDirectory(full + Suffix).FullName;
    }

    /// <summary>Puts what <see cref="Begin"/> gave in its place.</summary>
    public static string End(string partial)
    {
        string full = partial[..^Suffix.Length];
        if (Directory.Exists(full))
        {
            Directory.Delete(full);
        }

        Directory.Move(partial, full);
        return full;
    }
}
