using Pipeline.Contracts;

namespace Pipeline.Registry.Promotion;

/// <summary>Changes of a project's registry; each gives the same result when it is asked twice.</summary>
public static class VersionLedger
{
    /// <summary>
    /// Gives a run its version: the one it has, or the next when it has none or that one is published; a published
    /// version is never written again.
    /// </summary>
    public static RegistryPointer Allot(RegistryPointer registry, string runId)
    {
        ArgumentNullException.ThrowIfNull(registry);
        if (registry.Allotted.TryGetValue(runId, out int version) && !registry.Published.Contains(version))
        {
            return registry;
        }

        int next = registry.Allotted.Values.DefaultIfEmpty(0).Max() + 1;
        return registry with { Allotted = new Dictionary<string, int>(registry.Allotted) { [runId] = next } };
    }

    /// <summary>
    /// Makes a version visible and, when it is promoted, the champion. A version that is published stays as it was
    /// decided.
    /// </summary>
    public static RegistryPointer Publish(RegistryPointer registry, int version, bool promote, string decision)
    {
        ArgumentNullException.ThrowIfNull(registry);
        return registry.Published.Contains(version)
            ? registry
            : registry with
            {
                Published = [.. registry.Published.Append(version).Distinct().Order()],
                Champion = promote ? version : registry.Champion,
                Decisions = new Dictionary<int, string>(registry.Decisions) { [version] = decision },
            };
    }

    /// <summary>Notes feedback as used.</summary>
    public static RegistryPointer UseFeedback(RegistryPointer registry, IEnumerable<string> ids)
    {
        ArgumentNullException.ThrowIfNull(registry);
        return registry with
        {
            UsedFeedback =
            [
                .. registry.UsedFeedback.Concat(ids).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal),
            ],
        };
    }
}
