using System.Diagnostics;

namespace Pipeline.LocalHost.Tests.Hosting;

/// <summary>A program that lies beside the tests, to be started by the dotnet that runs them.</summary>
internal static class DotnetProgram
{
    /// <summary>The dotnet that runs the tests, or else the first on the path.</summary>
    public static string Dotnet =>
        Environment.ProcessPath is { } running && Path.GetFileNameWithoutExtension(running) == "dotnet"
            ? running
            : Environment
                .GetEnvironmentVariable("PATH")!
                .Split(Path.PathSeparator)
                .Select(p => Path.Combine(p, OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet"))
                .First(File.Exists);

    /// <summary>How a program is started.</summary>
    /// <param name="assembly">Its file's name.</param>
    /// <param name="arguments">Of its command line.</param>
    /// <param name="environment">Over that of the tests.</param>
    public static ProcessStartInfo Start(
        string assembly,
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string>? environment = null
    )
    {
        var info = new ProcessStartInfo(
            Dotnet,
            ["exec", Path.Combine(AppContext.BaseDirectory, assembly), .. arguments]
        );
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
        {
            info.Environment[name] = value;
        }

        return info;
    }
}
