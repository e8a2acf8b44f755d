using Pipeline.Model.Gpu;

namespace Pipeline.GpuWorker.Tests.Model.Gpu;

public sealed class KernelCacheTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("pipeline-cache-").FullName;
    private int _compiled;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private byte[] Get(string folder, params string[] parts) =>
        new KernelCache(folder).Get(parts, () => [.. "program "u8, (byte)++_compiled]);

    [Fact]
    public void Get_SameParts_CompilesOnce()
    {
        byte[] first = Get(_folder, "text", "sm_90");

        Assert.Equal(first, Get(_folder, "text", "sm_90"));
        Assert.NotEqual(first, Get(_folder, "text", "sm_80"));
        Assert.NotEqual(first, Get(_folder, "text", "sm_90", "-DPIPELINE_FLOAT"));
        Assert.Equal(3, _compiled);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(20)]
    [InlineData(40)]
    public void Get_DamagedFile_CompilesAnew(int bytesLeft)
    {
        Get(_folder, "text");
        string file = Directory.GetFiles(_folder).Single();
        byte[] all = File.ReadAllBytes(file);
        File.WriteAllBytes(file, all[..bytesLeft]);

        Assert.Equal([.. "program "u8, 2], Get(_folder, "text"));
        Assert.Equal([.. "program "u8, 2], Get(_folder, "text"));
    }

    /// <summary>A file stands where the folder should be: even root cannot write there.</summary>
    [Fact]
    public void Get_FolderThatCannotBe_CompilesEachTime()
    {
        string file = Path.Combine(_folder, "file");
        File.WriteAllText(file, "");

        Assert.NotEqual(Get(file, "text"), Get(file, "text"));
    }
}
