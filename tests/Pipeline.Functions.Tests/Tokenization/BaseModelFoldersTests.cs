using Pipeline.Tokenization;

namespace Pipeline.Functions.Tests.Tokenization;

public sealed class BaseModelFoldersTests
{
    [Fact]
    public void Find_RelativeFolder_IsLookedForBesideTheProgram()
    {
        string folder = $"models-{Guid.NewGuid():N}";
        string beside = Path.Combine(AppContext.BaseDirectory, folder, "a-base");
        Directory.CreateDirectory(beside);
        try
        {
            Assert.Equal(beside, Path.GetFullPath(new BaseModelFolders(folder).Find("a-base")));
            DirectoryNotFoundException fault = Assert.Throws<DirectoryNotFoundException>(() =>
                new BaseModelFolders(folder).Find("another")
            );
            Assert.Contains(folder, fault.Message, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(beside)!, recursive: true);
        }
    }
}
