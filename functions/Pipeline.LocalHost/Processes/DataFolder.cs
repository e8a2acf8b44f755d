namespace Pipeline.LocalHost.Processes;

/// <summary>A data folder, which one host at a time uses.</summary>
internal static class DataFolder
{
    private const string LockFile = "host.lock";

    /// <summary>Takes the folder; it is free again when the file is closed, however the process ends.</summary>
    /// <exception cref="HostException">Another host uses it.</exception>
    public static FileStream Lock(string directory)
    {
        Directory.CreateDirectory(directory);
        try
        {
            return new FileStream(
                Path.Combine(directory, LockFile),
                FileMode.OpenOrCreate,
                FileAccess.ReadWrite,
                FileShare.None
            );
        }
        catch (IOException)
        {
            throw new HostException($"Another host uses '{directory}'; stop it, or name another folder with --data.");
        }
    }
}
