namespace Pipeline.Functions.Datasets;

/// <summary>The body of a call that starts something from a raw blob.</summary>
/// <param name="Source">Its name within the project.</param>
public sealed record SourceRequest(string Source);
