namespace Pipeline.Worker.Jobs;

/// <summary>
/// A folder that is there whole or not at all: it is filled under a name of its own, and is gone when it was not ended.
/// What was there before is never deleted.
/// </summary>
internal sealed class OutputFolder : IDisposable
{
    private readonly string _target;

    private OutputFolder(string target)
    {
        _target = target;
        Partial = Directory.CreateDirectory($"{target}.partial-{Path.GetRandomFileName()}").FullName;
    }

    /// <summary>The folder to fill.</summary>
    public string Partial { get; }

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

    /// <summary>Makes the folder to fill.</summary>
    /// <exception cref="InvalidDataException">The target holds something already.</exception>
    public static OutputFolder Begin(string target)
    {
        RequireFree(target);
        return new OutputFolder(Path.TrimEndingDirectorySeparator(Path.GetFullPath(target)));
    }

    /// <summary>Puts what was filled in its place.</summary>
    /// <returns>The target's full path.</returns>
    public string End()
    {
        if (Directory.Exists(_target))
        {
            Directory.Delete(_target); // empty, or this throws
        }

        Directory.Move(Partial, _target);
        return _target;
    }

    public void Dispose()
    {
        if (Directory.Exists(Partial))
        {
            Directory.Delete(Partial, recursive: true);
        }
    }
}
