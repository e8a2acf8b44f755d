using Pipeline.Datasets.Ingestion.Processes;
using Xunit.Runner.InProc.SystemConsole;

// The tests' program can be started as a reader of rows too, as the hosts can.
if (RowReaderProgram.TryRun(args))
{
    return 0;
}

return await ConsoleRunner.Run(args);
