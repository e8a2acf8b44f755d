namespace Pipeline.LocalHost.Hosting;

/// <summary>The storage account that a host uses, by the settings of Azure Functions.</summary>
/// <param name="ConnectionString"><c>AzureWebJobsStorage</c>; <c>null</c>: it is named.</param>
/// <param name="Name"><c>AzureWebJobsStorage__accountName</c>: reached with the machine's identity; <c>null</c>: there
/// is a connection string.</param>
public sealed record StorageAccount(string? ConnectionString, string? Name)
{
    public const string ConnectionSetting = "AzureWebJobsStorage";
    public const string NameSetting = "AzureWebJobsStorage__accountName";

    /// <summary>The account named in settings, the host's own before the environment's; <c>null</c>: none is.</summary>
    public static StorageAccount? From(IReadOnlyDictionary<string, string?> settings, Func<string, string?> environment)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(environment);
        string? Setting(string name) =>
            settings.GetValueOrDefault(name) is { Length: > 0 } own ? own
            : environment(name) is { Length: > 0 } setting ? setting
            : null;
        return Setting(ConnectionSetting) is { } connection ? new StorageAccount(connection, null)
            : Setting(NameSetting) is { } name ? new StorageAccount(null, name)
            : null;
    }

    /// <summary>The settings that name it, for what is started beside the host.</summary>
    public IReadOnlyDictionary<string, string> Settings =>
        ConnectionString is { } connection
            ? new Dictionary<string, string> { [ConnectionSetting] = connection }
            : new Dictionary<string, string> { [NameSetting] = Name! };
}
