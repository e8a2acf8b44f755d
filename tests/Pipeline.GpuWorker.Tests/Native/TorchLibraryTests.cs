using System.Text;
using TorchSharp;

namespace Pipeline.GpuWorker.Tests.Native;

/// <summary>
/// The native library loads where libstdc++ is older than the one it was linked with, and the package cache is left
/// alone.
/// </summary>
public sealed class TorchLibraryTests
{
    private const string Library = "libLibTorchSharp.so";
    private const uint VersionHash = 0x0297f842; // GLIBCXX_3.4.32

    [Fact]
    public void Torch_OnThisMachine_Loads() => Assert.Equal(3, torch.ones(3).sum().item<float>());

    [Fact]
    public void VersionNeed_WhereTheSystemLacksIt_IsWeakInTheOutputAndStrongInTheCache()
    {
        Assert.SkipUnless(
            OperatingSystem.IsLinux(),
            "only Linux has this version need; run it on Debian 12 or Ubuntu 22.04"
        );
        string system =
            new[] { "/usr/lib/x86_64-linux-gnu/libstdc++.so.6", "/usr/lib64/libstdc++.so.6" }.FirstOrDefault(
                File.Exists
            ) ?? "";
        Assert.SkipWhen(
            system.Length == 0
                || Encoding
                    .ASCII.GetString(File.ReadAllBytes(system))
                    .Contains("GLIBCXX_3.4.32", StringComparison.Ordinal),
            "this machine's libstdc++ has GLIBCXX_3.4.32, so the library is left as it is; "
                + "run it on Debian 12 or Ubuntu 22.04"
        );
        string cache =
            Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        string original = Directory
            .EnumerateFiles(Path.Combine(cache, "torchsharp"), Library, SearchOption.AllDirectories)
            .Single(f => f.Contains("linux-x64", StringComparison.Ordinal));

        Assert.Equal(2, Flags(Path.Combine(AppContext.BaseDirectory, Library)));
        Assert.Equal(0, Flags(original));
    }

    /// <summary>vna_flags of the one version need: the u16 after its hash.</summary>
    private static int Flags(string path)
    {
        byte[] image = File.ReadAllBytes(path);
        int at = image.AsSpan().IndexOf(BitConverter.GetBytes(VersionHash));
        Assert.True(at > 0);
        return BitConverter.ToUInt16(image, at + 4);
    }
}
