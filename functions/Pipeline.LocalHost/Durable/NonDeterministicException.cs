namespace Pipeline.LocalHost.Durable;

/// <summary>Code and history disagree: the orchestrator does something else than it did before.</summary>
public sealed class NonDeterministicException(string message) : Exception(message);
