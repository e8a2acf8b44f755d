namespace Microsoft.Azure.Functions.Worker.Extensions.Abstractions;

/// <summary>Base of every attribute that binds a parameter.</summary>
public abstract class BindingAttribute : Attribute
{
    /// <summary>Makes one.</summary>
    public BindingAttribute()
    {
    }
}
