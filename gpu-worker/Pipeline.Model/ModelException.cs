namespace Pipeline.Model;

/// <summary>
/// A base model or adapter that cannot be used as it lies there. The message names the file and what is wrong with it.
/// </summary>
public sealed class ModelException : Exception
{
    public ModelException(string message)
        : base(message) { }

    public ModelException(string message, Exception inner)
        : base(message, inner) { }
}
