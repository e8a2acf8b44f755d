using System.CommandLine;
using Pipeline.Datasets;
using Pipeline.Datasets.Ingestion.Processes;
using Pipeline.LocalHost;
using Pipeline.LocalHost.Commands;
using Pipeline.Tokenization.Templates;

if (RowReaderProgram.TryRun(args))
{
    return 0;
}

// Exit codes: 0 done, 1 failed, 2 bad input or usage.
var root = new RootCommand("The data-to-adapter pipeline on one machine.")
{
    DemoCommand.Create(),
    ServeCommand.Create(),
    SubmitCommand.Create(),
    DatasetCommand.Create(),
    MeasurePrivacyCommand.Create(),
    MeasureOrderCommand.Create(),
    AblationCommand.Create(),
    BenchCommand.Create(),
    StorageCommand.Create(),
    LocalSettingsCommand.Create(),
    FunctionsCommand.Create(),
    ProjectCommand.Create(),
    NoticeCommand.Create(),
    CompareCommand.Create(),
};
foreach (
    Command command in (Command[])
        [.. RunsCommand.Create(), .. AdaptersCommand.Create(), .. ReviewersCommand.Create(), .. RowCommands.Create()]
)
{
    root.Add(command);
}

ParseResult parsed = root.Parse(args);
if (parsed.Errors.Count > 0)
{
    Console.Error.WriteLine(string.Join(Environment.NewLine, parsed.Errors.Select(e => e.Message)));
    return 2;
}

try
{
    return await parsed.InvokeAsync(
        new InvocationConfiguration
        {
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = TimeSpan.FromSeconds(60),
        }
    );
}
catch (OperationCanceledException)
{
    Console.Error.WriteLine("Stopped.");
    return 1;
}
catch (Exception fault)
    when (fault is HostException or DatasetException or InvalidDataException or ChatTemplateException)
{
    Console.Error.WriteLine(fault.Message);
    return 2;
}
catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or Azure.RequestFailedException)
{
    Console.Error.WriteLine(fault.Message);
    return 1;
}
