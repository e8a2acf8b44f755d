namespace Microsoft.Azure.Functions.Worker.Extensions.Abstractions;

/// <summary>Base of attributes that start a function.</summary>
public abstract class TriggerBindingAttribute : BindingAttribute
{
    /// <summary>Makes one.</summary>
    public TriggerBindingAttribute()
    {
    }
}
