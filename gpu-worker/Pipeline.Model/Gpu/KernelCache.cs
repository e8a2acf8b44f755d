using System.Security.Cryptography;
using System.Text;

namespace Pipeline.Model.Gpu;

/// <summary>
/// Compiled programs on disk, under the hash of all that they were made of. A file that is damaged counts as none.
/// </summary>
internal sealed class KernelCache(string folder)
{
    /// <summary>Where programs are kept: <c>PIPELINE_CACHE</c>, or the user's folder for caches.</summary>
    public static KernelCache Default() =>
        new(
            Path.Combine(
                Environment.GetEnvironmentVariable("PIPELINE_CACHE") is { Length: > 0 } setting
                    ? setting
                    : Path.Combine(
                        Environment.GetFolderPath(
                            Environment.SpecialFolder.LocalApplicationData,
                            Environment.SpecialFolderOption.DoNotVerify
                        ),
                        "pipeline"
                    ),
                "kernels"
            )
        );

    /// <summary>
    /// A program, compiled unless it lies there. A folder that cannot be written costs the time, not the run.
    /// </summary>
    /// <param name="parts">All that it is made of.</param>
    /// <param name="compile">Makes it.</param>
    public byte[] Get(IReadOnlyList<string> parts, Func<byte[]> compile)
    {
        ArgumentNullException.ThrowIfNull(compile);
        string path = Path.Combine(
            folder,
            Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\0', parts)))) + ".cubin"
        );
        if (Read(path) is { } known)
        {
            return known;
        }

        byte[] made = compile();
        try
        {
            Directory.CreateDirectory(folder);
            string part = Path.Combine(folder, Path.GetRandomFileName());
            File.WriteAllBytes(part, [.. SHA256.HashData(made), .. made]);
            File.Move(part, path, overwrite: true); // whole, or not there
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // a read-only container: compiled at each start
        }

        return made;
    }

    private static byte[]? Read(string path)
    {
        try
        {
            byte[] all = File.ReadAllBytes(path);
            byte[] program = all.Length > SHA256.HashSizeInBytes ? all[SHA256.HashSizeInBytes..] : [];
            return
                program.Length > 0
                && SHA256.HashData(program).AsSpan().SequenceEqual(all.AsSpan(0, SHA256.HashSizeInBytes))
                ? program
                : null;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
