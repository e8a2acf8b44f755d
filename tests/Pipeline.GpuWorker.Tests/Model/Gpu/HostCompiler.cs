using System.Diagnostics;

namespace Pipeline.GpuWorker.Tests.Model.Gpu;

/// <summary>g++, where there is one; users' machines need not have it.</summary>
internal static class HostCompiler
{
    private static bool IsThere =>
        OperatingSystem.IsLinux() && ((string[])["/usr/bin/g++", "/usr/local/bin/g++"]).Any(File.Exists);

    /// <summary>Skips the test that asks where there is none.</summary>
    public static void Require() =>
        Assert.SkipUnless(
            IsThere,
            "there is no g++ to compile the kernels for the host with; "
                + "install it (apt-get install g++) and run the tests again"
        );

    /// <summary>Makes a library of a source file.</summary>
    /// <param name="source">The file.</param>
    /// <param name="more">Further arguments.</param>
    /// <returns>The library's path; the caller's to delete.</returns>
    public static string Compile(string source, params string[] more)
    {
        Require();
        string library = Path.Combine(Path.GetTempPath(), $"pipeline-{Guid.NewGuid():N}.so");
        using Process compiler = Process.Start(
            new ProcessStartInfo("g++", ["-std=c++17", "-O2", "-w", "-shared", "-fPIC", source, "-o", library, .. more])
            {
                RedirectStandardError = true,
            }
        )!;
        string errors = compiler.StandardError.ReadToEnd();
        compiler.WaitForExit();
        Assert.True(compiler.ExitCode == 0, errors);
        return library;
    }
}
