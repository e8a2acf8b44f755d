using Microsoft.Azure.Functions.Worker.Extensions.Abstractions;

namespace Microsoft.Azure.Functions.Worker;

/// <summary>Starts a function by an HTTP call.</summary>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class HttpTriggerAttribute(AuthorizationLevel authLevel, params string[] methods) : TriggerBindingAttribute
{
    /// <summary>The key needed.</summary>
    public AuthorizationLevel AuthLevel { get; } = authLevel;

    /// <summary>The methods answered; <c>null</c>: all.</summary>
    public string[]? Methods { get; } = methods;

    /// <summary>The route behind <c>/api/</c>.</summary>
    public string? Route { get; set; }
}
