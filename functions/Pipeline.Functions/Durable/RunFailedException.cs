namespace Pipeline.Functions.Durable;

/// <summary>A run cannot go on; the message is for the person who started it.</summary>
public sealed class RunFailedException(string message) : Exception(message)
{
    /// <summary>Whether it is a question that the project's settings can answer.</summary>
    public bool NeedsSettings { get; init; }
}
