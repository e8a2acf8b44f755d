namespace Pipeline.Storage;

/// <summary>
/// The one way in which stored state is changed by several writers: read it with its ETag, change it, write it under
/// that ETag, and begin again when another writer came first.
/// </summary>
internal static class OptimisticUpdate
{
    /// <summary>Changes a state.</summary>
    /// <typeparam name="TState">What is stored.</typeparam>
    /// <param name="read">The state as it is, and its ETag; an ETag of <c>null</c> where nothing is stored.</param>
    /// <param name="change">From the state as it is to what it shall be; called again after each conflict.</param>
    /// <param name="write">Writes the state under the ETag; <c>false</c>: another writer came first.</param>
    /// <returns>The state as written.</returns>
    public static async Task<TState> RunAsync<TState>(
        Func<Task<(TState State, string? Tag)>> read,
        Func<TState, TState> change,
        Func<TState, string?, Task<bool>> write
    )
    {
        while (true)
        {
            (TState state, string? tag) = await read().ConfigureAwait(false);
            TState changed = change(state);
            if (await write(changed, tag).ConfigureAwait(false))
            {
                return changed;
            }
        }
    }
}
