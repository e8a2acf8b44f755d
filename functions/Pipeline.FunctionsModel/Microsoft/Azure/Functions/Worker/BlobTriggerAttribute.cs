using Microsoft.Azure.Functions.Worker.Extensions.Abstractions;

namespace Microsoft.Azure.Functions.Worker;

/// <summary>Starts a function by a new or changed blob.</summary>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class BlobTriggerAttribute(string blobPath) : TriggerBindingAttribute
{
    /// <summary>Container and name; parts in braces become values.</summary>
    public string BlobPath { get; } = blobPath;

    /// <summary>The setting with the account; default <c>AzureWebJobsStorage</c>.</summary>
    public string? Connection { get; set; }
}
