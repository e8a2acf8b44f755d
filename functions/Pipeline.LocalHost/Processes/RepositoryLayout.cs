namespace Pipeline.LocalHost.Processes;

/// <summary>Where the host finds what lies beside it in the repository.</summary>
internal static class RepositoryLayout
{
    /// <summary>The folder of Pipeline.sln above the program.</summary>
    public static string Root { get; } = Find();

    public static string Models => Path.Combine(Root, "gpu-worker", "models");

    public static string Azurite => Path.Combine(Root, "functions", "Pipeline.LocalHost", "azurite");

    public static string Samples => Path.Combine(Root, "functions", "Pipeline.LocalHost", "samples");

    public static string Data => Path.Combine(Root, ".data");

    /// <summary>The worker's assembly: <c>PIPELINE_WORKER</c>, or the one built with this host.</summary>
    /// <exception cref="HostException">There is none.</exception>
    public static string Worker()
    {
        if (Environment.GetEnvironmentVariable("PIPELINE_WORKER") is { Length: > 0 } setting)
        {
            return File.Exists(setting)
                ? setting
                : throw new HostException($"PIPELINE_WORKER names '{setting}', which does not exist.");
        }

        // bin/{Configuration}/net10.0/{rid} of the host, the same of the worker
        string own = Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory);
        int bin = own.LastIndexOf(
            $"{Path.DirectorySeparatorChar}bin{Path.DirectorySeparatorChar}",
            StringComparison.Ordinal
        );
        string[] parts = bin < 0 ? ["Debug"] : own[(bin + 5)..].Split(Path.DirectorySeparatorChar);
        string folder = Path.Combine(Root, "gpu-worker", "Pipeline.Worker", "bin", parts[0]);
        return (
                Directory.Exists(folder)
                    ? Directory
                        .EnumerateFiles(folder, "Pipeline.Worker.dll", SearchOption.AllDirectories)
                        .Where(f => File.Exists(Path.ChangeExtension(f, ".runtimeconfig.json")))
                        .Order(StringComparer.Ordinal)
                        .FirstOrDefault()
                    : null
            ) ?? throw new HostException($"The worker is not built in '{folder}'; run 'dotnet build Pipeline.sln'.");
    }

    private static string Find()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Pipeline.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder ?? Directory.GetCurrentDirectory();
    }
}
