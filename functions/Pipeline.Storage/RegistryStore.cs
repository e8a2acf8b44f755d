using Pipeline.Contracts;

namespace Pipeline.Storage;

/// <summary>A project's registry pointer, changed only under its ETag.</summary>
public sealed class RegistryStore(BlobFiles files)
{
    /// <summary>The pointer; an empty one where there is none yet.</summary>
    public async Task<RegistryPointer> GetAsync(string project, CancellationToken cancellation) =>
        await files.ReadJsonAsync<RegistryPointer>(BlobLayout.Registry(project), cancellation).ConfigureAwait(false)
        ?? new RegistryPointer { Project = project };

    /// <summary>Changes the pointer; the change is asked again whenever another writer came first.</summary>
    /// <param name="project">The project.</param>
    /// <param name="change">From the pointer as it is to what it shall be.</param>
    /// <param name="cancellation">Ends the call.</param>
    /// <returns>The pointer as written.</returns>
    public async Task<RegistryPointer> UpdateAsync(
        string project,
        Func<RegistryPointer, RegistryPointer> change,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(change);
        while (true)
        {
            (byte[] Bytes, string Tag)? read = await files
                .ReadWithTagAsync(BlobLayout.Registry(project), cancellation)
                .ConfigureAwait(false);
            RegistryPointer pointer = change(
                read is { } found
                    ? ContractJson.Read<RegistryPointer>(found.Bytes)
                    : new RegistryPointer { Project = project }
            );
            if (
                await files
                    .TryWriteAsync(
                        BlobLayout.Registry(project),
                        ContractJson.WriteUtf8(pointer, indented: true),
                        read?.Tag,
                        cancellation
                    )
                    .ConfigureAwait(false)
                is not null
            )
            {
                return pointer;
            }
        }
    }
}
