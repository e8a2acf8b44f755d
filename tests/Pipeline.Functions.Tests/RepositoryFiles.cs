namespace Pipeline.Functions.Tests;

/// <summary>
/// Where the tests find the repository's files and, when it is there, the folder of shared reference data beside it.
/// </summary>
internal static class RepositoryFiles
{
    public static string Root { get; } = FindRoot();

    public static string At(params string[] parts) => Path.Combine([Root, .. parts]);

    /// <summary>A path under ../shared; the test is skipped where it is missing.</summary>
    public static string Shared(params string[] parts)
    {
        string path = Path.GetFullPath(Path.Combine([Root, "..", "shared", .. parts]));
        Assert.SkipUnless(
            File.Exists(path) || Directory.Exists(path),
            $"needs the reference data in ../shared/{string.Join('/', parts)}; "
                + $"put that folder beside the checkout and run the test again"
        );
        return path;
    }

    private static string FindRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Pipeline.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder ?? throw new InvalidOperationException("Pipeline.sln is in no folder above the tests.");
    }
}
