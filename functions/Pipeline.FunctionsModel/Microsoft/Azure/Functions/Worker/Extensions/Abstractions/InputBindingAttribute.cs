namespace Microsoft.Azure.Functions.Worker.Extensions.Abstractions;

/// <summary>Base of attributes that hand something in.</summary>
public abstract class InputBindingAttribute : BindingAttribute
{
    /// <summary>Makes one.</summary>
    public InputBindingAttribute()
    {
    }
}
