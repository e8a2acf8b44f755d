namespace Pipeline.LocalHost.Processes;

/// <summary>The storage emulator's files, installed once from its lock file.</summary>
internal static class AzuriteInstallation
{
    /// <summary>Beginnings of what Node and npm are told by the environment.</summary>
    public static readonly string[] NodeVariables = ["NODE_", "npm_config_"];

    /// <summary>What to say where Node is missing.</summary>
    public static HostException NodeIsMissing() =>
        new(
            "Node is missing: Node 20 or newer with npm is needed for the storage emulator. Install it, or set "
                + "AzureWebJobsStorage to a storage account's connection string."
        );

    /// <summary>Installs the emulator where that was not done yet.</summary>
    /// <param name="say">Told what takes long.</param>
    /// <param name="cancellation">Ends the call.</param>
    /// <exception cref="HostException">Node is missing, or npm fails.</exception>
    public static async Task EnsureAsync(Action<string> say, CancellationToken cancellation)
    {
        string folder = RepositoryLayout.Azurite;
        string marker = Path.Combine(folder, "node_modules", ".installed");
        string wanted = await File.ReadAllTextAsync(Path.Combine(folder, "package-lock.json"), cancellation);
        // Two hosts that start at once install once.
        await using FileStream turn = await LockAsync(Path.Combine(folder, ".install.lock"), cancellation);
        if (
            File.Exists(marker)
            && await File.ReadAllTextAsync(marker, cancellation)
                == Contracts.ContentHash.Sha256(System.Text.Encoding.UTF8.GetBytes(wanted))
        )
        {
            return;
        }

        say("Installing the storage emulator (once)");
        var lines = new List<string>();
        ChildProcess npm;
        try
        {
            npm = ChildProcess.Start(
                OperatingSystem.IsWindows() ? "npm.cmd" : "npm",
                ["ci", "--no-audit", "--no-fund", "--ignore-scripts"],
                folder,
                new ChildVariables(new Dictionary<string, string>(), NodeVariables),
                lines.Add
            );
        }
        catch (HostException)
        {
            throw NodeIsMissing();
        }

        await using (npm)
        {
            await npm.WaitForExitAsync(cancellation);
            if (npm.ExitCode != 0)
            {
                throw new HostException(
                    $"npm could not install the storage emulator (exit code {npm.ExitCode}): "
                        + $"{string.Join(' ', lines.TakeLast(3))}"
                );
            }
        }

        await File.WriteAllTextAsync(
            marker,
            Contracts.ContentHash.Sha256(System.Text.Encoding.UTF8.GetBytes(wanted)),
            cancellation
        );
    }

    private static async Task<FileStream> LockAsync(string path, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                return new FileStream(
                    path,
                    FileMode.OpenOrCreate,
                    FileAccess.ReadWrite,
                    FileShare.None,
                    1,
                    FileOptions.DeleteOnClose
                );
            }
            catch (IOException)
            {
                await Task.Delay(200, cancellation);
            }
        }
    }
}
