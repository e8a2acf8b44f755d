using System.Runtime.Versioning;
using Pipeline.LocalHost.Files;
using Pipeline.LocalHost.Processes;

namespace Pipeline.LocalHost.Tests.Hosting;

/// <summary>A data folder and its secrets are their owner's alone.</summary>
public sealed class DataFolderTests : IDisposable
{
    private const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private readonly string _folder = Directory.CreateTempSubdirectory("pipeline-data-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    [SupportedOSPlatform("linux")]
    public void Folder_ThatOthersCouldLookInto_IsClosed()
    {
        Assert.SkipUnless(
            OperatingSystem.IsLinux(),
            "file modes are those of Linux: run this test there; on Windows the user's profile guards the folder"
        );
        string open = Directory.CreateDirectory(Path.Combine(_folder, "open")).FullName;
        File.SetUnixFileMode(open, Owner | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);

        DataFolder.Lock(open).Dispose();
        DataFolder.Lock(Path.Combine(_folder, "new")).Dispose();

        Assert.Equal(Owner, File.GetUnixFileMode(open));
        Assert.Equal(Owner, File.GetUnixFileMode(Path.Combine(_folder, "new")));
    }

    [Fact]
    [SupportedOSPlatform("linux")]
    public void Emulator_OfAFolder_HasAKeyOfItsOwnThatStays()
    {
        Assert.SkipUnless(
            OperatingSystem.IsLinux(),
            "file modes are those of Linux: run this test there; on Windows the user's profile guards the folder"
        );
        foreach (string name in (string[])["a", "b"])
        {
            Directory.CreateDirectory(Path.Combine(_folder, name));
            File.WriteAllText(Path.Combine(_folder, name, "ports"), "10000 10001 10002");
        }

        string? connection = Azurite.ConnectionOf(Path.Combine(_folder, "a"));

        Assert.Equal(connection, Azurite.ConnectionOf(Path.Combine(_folder, "a")));
        Assert.NotEqual(connection, Azurite.ConnectionOf(Path.Combine(_folder, "b")));
        Assert.DoesNotContain("Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6", connection, StringComparison.Ordinal);
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite,
            File.GetUnixFileMode(Path.Combine(_folder, "a", "account.key"))
        );
    }
}
