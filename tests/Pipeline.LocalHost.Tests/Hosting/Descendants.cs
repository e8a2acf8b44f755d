namespace Pipeline.LocalHost.Tests.Hosting;

/// <summary>Processes that another one has started.</summary>
internal static class Descendants
{
    /// <summary>Children of a process whose command line holds a text.</summary>
    public static IEnumerable<int> Find(int parent, string text)
    {
        foreach (string folder in Directory.EnumerateDirectories("/proc"))
        {
            if (
                int.TryParse(Path.GetFileName(folder), out int id)
                && ReadOrEmpty(Path.Combine(folder, "status")).Contains($"PPid:\t{parent}\n", StringComparison.Ordinal)
                && ReadOrEmpty(Path.Combine(folder, "cmdline")).Contains(text, StringComparison.Ordinal)
            )
            {
                yield return id;
            }
        }
    }

    private static string ReadOrEmpty(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return ""; // the process has ended
        }
    }
}
