namespace Pipeline.LocalHost.Durable;

/// <summary>There is no activity of a name.</summary>
public sealed class FunctionNotFoundException(string name) : Exception($"No activity task named '{name}' was found.")
{
    /// <summary>The name that was asked for.</summary>
    public string Name { get; } = name;
}
