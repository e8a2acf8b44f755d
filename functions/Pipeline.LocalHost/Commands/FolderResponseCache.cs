using Pipeline.Contracts;
using Pipeline.Datasets.Synthesis;

namespace Pipeline.LocalHost.Commands;

/// <summary>Bought answers as files in a folder.</summary>
internal sealed class FolderResponseCache(string folder) : IResponseCache
{
    public async Task<ModelAnswer?> FindAsync(string key, CancellationToken cancellation) =>
        File.Exists(PathOf(key))
            ? ContractJson.Read<ModelAnswer>(await File.ReadAllBytesAsync(PathOf(key), cancellation))
            : null;

    public async Task<ModelAnswer> KeepAsync(ModelAnswer answer, CancellationToken cancellation)
    {
        Directory.CreateDirectory(folder);
        string path = PathOf(answer.Key);
        string part = Path.Combine(folder, Path.GetRandomFileName());
        await File.WriteAllBytesAsync(part, ContractJson.WriteUtf8(answer, indented: true), cancellation);
        try
        {
            File.Move(part, path); // whole, or not there
            return answer;
        }
        catch (IOException) when (File.Exists(path))
        {
            File.Delete(part);
            return (await FindAsync(answer.Key, cancellation))!;
        }
    }

    private string PathOf(string key) => Path.Combine(folder, key + ".json");
}
