using Pipeline.Contracts;

namespace Pipeline.Storage;

/// <summary>A project's registry pointer, changed only under its ETag.</summary>
public sealed class RegistryStore(BlobFiles files)
{
    /// <summary>The pointer; an empty one where there is none yet.</summary>
    public async Task<RegistryPointer> GetAsync(string project, CancellationToken cancellation) =>
        await files.ReadJsonAsync<RegistryPointer>(BlobLayout.Registry(project), cancellation).ConfigureAwait(false)
        ?? new RegistryPointer { Project = project };

    /// <summary>Changes the pointer; the change is called again whenever another writer came first.</summary>
    /// <param name="project">The project.</param>
    /// <param name="change">From the pointer as it is to what it shall be.</param>
    /// <param name="cancellation">Ends the call.</param>
    /// <returns>The pointer as written.</returns>
    public Task<RegistryPointer> UpdateAsync(
        string project,
        Func<RegistryPointer, RegistryPointer> change,
        CancellationToken cancellation
    ) =>
        files.UpdateJsonAsync(
            BlobLayout.Registry(project),
            new RegistryPointer { Project = project },
            change,
            cancellation
        );
}
