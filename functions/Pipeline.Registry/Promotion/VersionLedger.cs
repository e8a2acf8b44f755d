using Pipeline.Contracts;

namespace Pipeline.Registry.Promotion;

/// <summary>
/// Changes of a project's registry; those of a run give the same result when they are called twice. What a person may
/// not do is a <see cref="RegistryException"/> in words.
/// </summary>
public static class VersionLedger
{
    /// <summary>
    /// Gives a run its version: the one it has, or the next when it has none or that one is published or deleted; such
    /// a version is never written again.
    /// </summary>
    public static RegistryPointer Allot(RegistryPointer registry, string runId)
    {
        ArgumentNullException.ThrowIfNull(registry);
        if (
            registry.Allotted.TryGetValue(runId, out int version)
            && !registry.Published.Contains(version)
            && !registry.Deleted.Contains(version)
        )
        {
            return registry;
        }

        int next = registry.Allotted.Values.Concat(registry.Deleted).DefaultIfEmpty(0).Max() + 1;
        return registry with { Allotted = new Dictionary<string, int>(registry.Allotted) { [runId] = next } };
    }

    /// <summary>
    /// Makes a version visible and, when the gate promotes it, the champion. A version that is published stays as it
    /// was decided.
    /// </summary>
    /// <param name="registry">As it is.</param>
    /// <param name="entry">What the version is made of; its state and line follow from the verdict.</param>
    /// <param name="evaluation">Its evaluation; the use of its test set is counted.</param>
    /// <param name="verdict">The gate's.</param>
    /// <param name="at">Now.</param>
    public static RegistryPointer Publish(
        RegistryPointer registry,
        VersionEntry entry,
        EvaluationReport evaluation,
        GateVerdict verdict,
        DateTimeOffset at
    )
    {
        ArgumentNullException.ThrowIfNull(registry);
        ArgumentNullException.ThrowIfNull(entry);
        ArgumentNullException.ThrowIfNull(verdict);
        if (registry.Published.Contains(entry.Version))
        {
            return registry;
        }

        VersionState state =
            verdict.Promote ? VersionState.Champion
            : verdict.Checks.Any(c => c is { Passed: false, Rule: not GateRule.Baseline }) ? VersionState.Rejected
            : VersionState.Candidate;
        (IReadOnlyList<TestSetEntry> testSets, int? testSet) = Measured(registry, evaluation);
        RegistryPointer published = registry with
        {
            TestSets = testSets,
            Published = [.. registry.Published.Append(entry.Version).Order()],
            Decisions = new Dictionary<int, string>(registry.Decisions) { [entry.Version] = verdict.Line },
            Versions = new Dictionary<int, VersionEntry>(registry.Versions)
            {
                [entry.Version] = entry with
                {
                    State = state,
                    Line = verdict.Line,
                    PublishedAt = at,
                    TestSet = testSet,
                },
            },
        };
        return Move(published, new(RegistryAction.Published, entry.Version, verdict.Line, at), verdict.Promote);
    }

    /// <summary>Makes a published version the champion because a person wants it.</summary>
    /// <param name="registry">As it is.</param>
    /// <param name="change">Version, reason and time.</param>
    /// <param name="force">Whether the gate's refusal counts for nothing.</param>
    /// <exception cref="RegistryException">There is no such version, it is the champion, or the gate has refused
    /// it.</exception>
    public static RegistryPointer Promote(RegistryPointer registry, RegistryChange change, bool force)
    {
        ArgumentNullException.ThrowIfNull(change);
        VersionEntry entry = Require(registry, change.Version);
        return entry.State switch
        {
            VersionState.Champion => throw new RegistryException($"V{change.Version} is the champion already."),
            VersionState.Rejected when !force => throw new RegistryException(
                $"The gate has refused V{change.Version}: {entry.Line} Give 'force' to promote it all the same."
            ),
            _ => Move(registry, change with { Action = RegistryAction.Promoted }, becomesChampion: true),
        };
    }

    /// <summary>Makes the champion before the current one the champion again.</summary>
    /// <param name="registry">As it is.</param>
    /// <param name="reason">Why.</param>
    /// <param name="at">Now.</param>
    /// <exception cref="RegistryException">There is no champion, or none before it that is still there.</exception>
    public static RegistryPointer RollBack(RegistryPointer registry, string reason, DateTimeOffset at)
    {
        ArgumentNullException.ThrowIfNull(registry);
        int champion = registry.Champion ?? throw new RegistryException("There is no champion to roll back from.");
        int before =
            Predecessor(registry)
            ?? throw new RegistryException(
                $"V{champion} has no champion before it that is still there; promote another version by its number."
            );
        RegistryPointer changed = SetStates(
            registry,
            (champion, VersionState.Retired),
            (before, VersionState.Champion)
        );
        return changed with
        {
            Champion = before,
            History = [.. registry.History, new(at, RegistryAction.RolledBack, champion, champion, before, reason)],
        };
    }

    /// <summary>Takes a version out of use; its files stay.</summary>
    /// <exception cref="RegistryException">There is no such version, or it is the champion.</exception>
    public static RegistryPointer Retire(RegistryPointer registry, RegistryChange change)
    {
        ArgumentNullException.ThrowIfNull(change);
        RequireNoChampion(registry, change.Version);
        return Move(
            SetStates(registry, (change.Version, VersionState.Retired)),
            change with
            {
                Action = RegistryAction.Retired,
            },
            becomesChampion: false
        );
    }

    /// <summary>Removes a version; its number is not given again.</summary>
    /// <exception cref="RegistryException">There is no such version, or it is the champion.</exception>
    public static RegistryPointer Delete(RegistryPointer registry, RegistryChange change)
    {
        ArgumentNullException.ThrowIfNull(change);
        RequireNoChampion(registry, change.Version);
        RegistryPointer deleted = registry with
        {
            Published = [.. registry.Published.Where(v => v != change.Version)],
            Versions = registry.Versions.Where(v => v.Key != change.Version).ToDictionary(),
            Deleted = [.. registry.Deleted.Append(change.Version).Order()],
        };
        return Move(deleted, change with { Action = RegistryAction.Deleted }, becomesChampion: false);
    }

    /// <summary>Every published version, oldest first; of one from before entries were kept, what is known.</summary>
    public static IReadOnlyList<VersionEntry> List(RegistryPointer registry)
    {
        ArgumentNullException.ThrowIfNull(registry);
        return [.. registry.Published.Order().Select(v => Entry(registry, v))];
    }

    /// <summary>Notes feedback as used.</summary>
    public static RegistryPointer UseFeedback(
        RegistryPointer registry,
        string? through,
        IReadOnlyList<string>? ids = null
    )
    {
        ArgumentNullException.ThrowIfNull(registry);
        if (ids is { Count: > 0 })
        {
            registry = registry with { UsedFeedback = [.. registry.UsedFeedback.Union(ids, StringComparer.Ordinal)] };
        }

        return through is null || string.CompareOrdinal(through, registry.UsedFeedbackThrough ?? "") < 0
            ? registry
            : registry with
            {
                UsedFeedbackThrough = through,
            };
    }

    private static (IReadOnlyList<TestSetEntry> TestSets, int? Number) Measured(
        RegistryPointer registry,
        EvaluationReport evaluation
    )
    {
        ArgumentNullException.ThrowIfNull(evaluation);
        if (evaluation.TestSet is not { } id)
        {
            return (registry.TestSets, null);
        }

        TestSetEntry known =
            registry.TestSets.FirstOrDefault(t => t.Id == id)
            ?? new TestSetEntry(registry.TestSets.Count + 1, id, evaluation.Outcomes.Count, 0);
        return (
            [
                .. registry
                    .TestSets.Where(t => t.Id != id)
                    .Append(known with { Uses = known.Uses + 1 })
                    .OrderBy(t => t.Number),
            ],
            known.Number
        );
    }

    private static VersionEntry Entry(RegistryPointer registry, int version) =>
        registry.Versions.GetValueOrDefault(version)
        ?? new VersionEntry
        {
            Version = version,
            State = version == registry.Champion ? VersionState.Champion : VersionState.Candidate,
            RunId = registry.Allotted.FirstOrDefault(a => a.Value == version).Key,
            Line = registry.Decisions.GetValueOrDefault(version) ?? "",
        };

    private static VersionEntry Require(RegistryPointer registry, int version)
    {
        ArgumentNullException.ThrowIfNull(registry);
        return registry.Published.Contains(version)
            ? Entry(registry, version)
            : throw new RegistryException(
                registry.Deleted.Contains(version)
                    ? $"V{version} was deleted."
                    : $"There is no V{version} of '{registry.Project}'; published are "
                        + $"{string.Join(", ", registry.Published.Select(v => $"V{v}").DefaultIfEmpty("none"))}."
            );
    }

    private static void RequireNoChampion(RegistryPointer registry, int version)
    {
        if (Require(registry, version).State == VersionState.Champion)
        {
            throw new RegistryException(
                $"V{version} is the champion; promote another version or roll back first, then this one can go."
            );
        }
    }

    /// <summary>
    /// The champion before the current one, passing over those that are gone: a promotion puts a version on a stack, a
    /// rollback takes it off.
    /// </summary>
    private static int? Predecessor(RegistryPointer registry)
    {
        var champions = new Stack<int>();
        foreach (RegistryEvent moved in registry.History.Where(e => e.ChampionBefore != e.ChampionAfter))
        {
            if (champions.Count == 0 && moved.ChampionBefore is { } first)
            {
                champions.Push(first); // from before a history was kept
            }

            if (moved.Action != RegistryAction.RolledBack)
            {
                champions.Push(moved.ChampionAfter!.Value);
                continue;
            }

            while (champions.Count > 0 && champions.Peek() != moved.ChampionAfter)
            {
                champions.Pop();
            }
        }

        return champions
            .Skip(1)
            .Where(v => v != registry.Champion && registry.Published.Contains(v))
            .Select(v => (int?)v)
            .FirstOrDefault();
    }

    private static RegistryPointer Move(RegistryPointer registry, RegistryChange change, bool becomesChampion)
    {
        int? before = registry.Champion;
        RegistryPointer moved = registry;
        if (becomesChampion)
        {
            moved = SetStates(moved, (change.Version, VersionState.Champion)) with { Champion = change.Version };
            moved = before is { } former ? SetStates(moved, (former, VersionState.Retired)) : moved;
        }

        return moved with
        {
            History =
            [
                .. registry.History,
                new(change.At, change.Action, change.Version, before, moved.Champion, change.Reason),
            ],
        };
    }

    private static RegistryPointer SetStates(
        RegistryPointer registry,
        params (int Version, VersionState State)[] states
    )
    {
        var versions = new Dictionary<int, VersionEntry>(registry.Versions);
        foreach ((int version, VersionState state) in states)
        {
            versions[version] = Entry(registry with { Versions = versions }, version) with { State = state };
        }

        return registry with
        {
            Versions = versions,
        };
    }
}

/// <summary>A change of the registry.</summary>
/// <param name="Action">What is done; set by the call that does it.</param>
/// <param name="Version">The version it is about.</param>
/// <param name="Reason">Why.</param>
/// <param name="At">Now.</param>
public sealed record RegistryChange(RegistryAction Action, int Version, string Reason, DateTimeOffset At);

/// <summary>The registry does not allow a change; the message says why and what to do.</summary>
public sealed class RegistryException(string message) : Exception(message);
