namespace Pipeline.Contracts;

/// <summary>
/// What a child process is given of its parent's environment: what programs need to run at all, so that no key or
/// connection string of the host lies in a process that does not need it.
/// </summary>
public static class ChildEnvironment
{
    private static readonly string[] Kept =
    [
        "PATH",
        "HOME",
        "USER",
        "LANG",
        "LC_ALL",
        "TZ",
        "TMPDIR",
        "TMP",
        "TEMP",
        "DOTNET_ROOT",
        "DOTNET_CLI_HOME",
        "DOTNET_gcServer",
        "DOTNET_GCHeapHardLimit",
        "LD_LIBRARY_PATH",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
        // Windows
        "SystemRoot",
        "SystemDrive",
        "ComSpec",
        "PATHEXT",
        "USERPROFILE",
        "APPDATA",
        "LOCALAPPDATA",
        "ProgramData",
        "ProgramFiles",
    ];

    /// <summary>Leaves of an environment those variables that are kept, and puts others beside them.</summary>
    /// <param name="environment">A child's environment as inherited.</param>
    /// <param name="own">What this child needs besides.</param>
    /// <param name="prefixes">Beginnings of further names that it needs.</param>
    public static void Apply(
        IDictionary<string, string?> environment,
        IReadOnlyDictionary<string, string> own,
        params string[] prefixes
    )
    {
        ArgumentNullException.ThrowIfNull(environment);
        ArgumentNullException.ThrowIfNull(own);
        foreach (string name in environment.Keys.ToArray())
        {
            bool isKept =
                Kept.Contains(name, StringComparer.OrdinalIgnoreCase)
                || prefixes.Any(p => name.StartsWith(p, StringComparison.OrdinalIgnoreCase));
            if (!isKept)
            {
                environment.Remove(name);
            }
        }

        foreach ((string name, string value) in own)
        {
            environment[name] = value;
        }
    }
}
