namespace Pipeline.Storage;

/// <summary>The settings name no storage account; the message says which to set.</summary>
public sealed class StorageSettingsException(string message) : Exception(message);
