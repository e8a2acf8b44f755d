namespace Pipeline.LocalHost.Durable;

/// <summary>Where a commit stands, for tests that stop the world there.</summary>
public enum CommitPhase
{
    /// <summary>The transaction is complete and not committed: what stops here leaves nothing of it.</summary>
    Before,

    /// <summary>The transaction is committed and nothing was done about it yet.</summary>
    After,
}
