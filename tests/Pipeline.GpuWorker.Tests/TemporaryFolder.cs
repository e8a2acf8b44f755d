namespace Pipeline.GpuWorker.Tests;

/// <summary>A folder of a test's own, gone when the test is.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("pipeline-test-").FullName;

    /// <summary>Copies a folder's files in.</summary>
    public string CopyOf(string source, string name)
    {
        string target = System.IO.Path.Combine(Path, name);
        Directory.CreateDirectory(target);
        foreach (string file in Directory.EnumerateFiles(source))
        {
            File.Copy(file, System.IO.Path.Combine(target, System.IO.Path.GetFileName(file)));
        }

        return target;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
