using System.Security.Cryptography;

namespace Pipeline.LocalHost.Files;

/// <summary>A data folder, which one host at a time uses, and which only its owner can look into.</summary>
internal static class DataFolder
{
    private const string LockFile = "host.lock";

    /// <summary>Takes the folder; it is free again when the file is closed, however the process ends.</summary>
    /// <exception cref="HostException">Another host uses it.</exception>
    public static FileStream Lock(string directory)
    {
        Create(directory);
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

    /// <summary>Makes a folder that only its owner can look into; one that others could look into is closed.</summary>
    public static void Create(string directory)
    {
        const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(directory);
            return;
        }

        Directory.CreateDirectory(directory, Owner);
        if (File.GetUnixFileMode(directory) != Owner)
        {
            File.SetUnixFileMode(directory, Owner);
        }
    }

    /// <summary>The secret in a file, made of so many random bytes where there is none; only its owner can read
    /// it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="bytes">How many.</param>
    /// <param name="write">Writes them as text.</param>
    public static string Secret(string path, int bytes, Func<byte[], string> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        if (File.Exists(path) && File.ReadAllText(path).Trim() is { Length: > 0 } known)
        {
            return known;
        }

        Create(Path.GetDirectoryName(Path.GetFullPath(path))!);
        string secret = write(RandomNumberGenerator.GetBytes(bytes));
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using var file = new StreamWriter(path, options);
        file.Write(secret);
        return secret;
    }
}
