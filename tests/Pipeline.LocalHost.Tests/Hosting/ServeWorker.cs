using Pipeline.LocalHost.Processes;

namespace Pipeline.LocalHost.Tests.Hosting;

/// <summary>The real worker as a process, on an account.</summary>
internal sealed class ServeWorker(ChildProcess process) : IAsyncDisposable
{
    public int Id => process.Id;

    public bool IsRunning => !process.HasExited;

    public static ServeWorker Start(string connection, IReadOnlyDictionary<string, string>? settings = null)
    {
        string assembly = RepositoryLayout.Worker();
        var environment = new Dictionary<string, string>(settings ?? new Dictionary<string, string>())
        {
            ["AzureWebJobsStorage"] = connection,
            ["PIPELINE_MODELS"] = RepositoryLayout.Models,
        };
        return new ServeWorker(
            ChildProcess.Start(
                DotnetProgram.Dotnet,
                ["exec", assembly, "run", "--parent", $"{Environment.ProcessId}"],
                Path.GetDirectoryName(assembly)!,
                ChildVariables.ForWorker(environment),
                _ => { }
            )
        );
    }

    public ValueTask DisposeAsync() => process.DisposeAsync();
}
