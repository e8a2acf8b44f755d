namespace Microsoft.DurableTask;

/// <summary>The name of an orchestrator or activity.</summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Usage", "CA2231", Justification = "The members are the official type's.")]
public readonly struct TaskName(string name) : IEquatable<TaskName>
{
    /// <summary>The name.</summary>
    public string Name { get; } = name;

    /// <summary>A name from a text.</summary>
    public static implicit operator TaskName(string value) => new(value);

    /// <summary>The text of a name.</summary>
    public static implicit operator string(TaskName value) => value.Name;

    /// <inheritdoc/>
    public bool Equals(TaskName other) => string.Equals(Name, other.Name, StringComparison.OrdinalIgnoreCase);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is TaskName other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => StringComparer.OrdinalIgnoreCase.GetHashCode(Name);

    /// <inheritdoc/>
    public override string ToString() => Name;
}
