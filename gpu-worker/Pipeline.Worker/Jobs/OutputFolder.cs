namespace Pipeline.Worker.Jobs;

/// <summary>
/// A folder that is there whole or not at all: it is filled under a name of its own. What was there before is never
/// deleted.
/// </summary>
internal static class OutputFolder
{
    private const string Mark = ".partial-";

    /// <summary>Whether there is nothing at the target that could be lost.</summary>
    /// <exception cref="InvalidDataException">The target holds something already.</exception>
    public static void RequireFree(string target)
    {
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(target));
        if (File.Exists(full) || (Directory.Exists(full) && Directory.EnumerateFileSystemEntries(full).Any()))
        {
            throw new InvalidDataException($"'{target}' is there already; name a folder that is empty or not there.");
        }
    }

    /// <summary>The folder to fill.</summary>
    /// <exception cref="InvalidDataException">The target holds something already.</exception>
    public static string Begin(string target)
    {
        RequireFree(target);
        return Directory
            .CreateDirectory(
                Path.TrimEndingDirectorySeparator(Path.GetFullPath(target)) + Mark + Path.GetRandomFileName()
            )
            .FullName;
    }

    /// <summary>Puts what <see cref="Begin"/> gave in its place.</summary>
    public static string End(string partial)
    {
        string full = partial[..partial.LastIndexOf(Mark, StringComparison.Ordinal)];
        if (Directory.Exists(full))
        {
            Directory.Delete(full); // empty, or this throws
        }

        Directory.Move(partial, full);
        return full;
    }
}
