using System.CommandLine;
using Pipeline.Model;
using Pipeline.Model.Gpu;
using Pipeline.Storage;
using Pipeline.Tokenization.Templates;
using Pipeline.Training.Faults;
using Pipeline.Worker.Commands;

// Exit codes: 0 done, 1 failed, 2 bad input or usage.
var root = new RootCommand("The worker: trains adapters, one-shot or off the queue.")
{
    RunCommand.Create(),
    TrainCommand.Create(),
    ParityCommand.Create(),
    BenchCommand.Create(),
    QuantizeCommand.Create(),
    MergeCommand.Create(),
    ExportCommand.Create(),
    GenerateCommand.Create(),
    EvaluateCommand.Create(),
    SelfCheckCommand.Create(),
};
ParseResult parsed = root.Parse(args);
if (parsed.Errors.Count > 0)
{
    Console.Error.WriteLine(string.Join(Environment.NewLine, parsed.Errors.Select(e => e.Message)));
    return 2;
}

try
{
    TorchLibraries.Load();
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
    when (fault
            is ModelException
                or InvalidDataException
                or ChatTemplateException
                or FileNotFoundException
                or TrainingException
                or StorageSettingsException
                or UnauthorizedAccessException
                or System.Text.RegularExpressions.RegexMatchTimeoutException
    )
{
    Console.Error.WriteLine(fault.Message.ReplaceLineEndings(" "));
    return 2;
}
catch (System.Runtime.InteropServices.ExternalException fault) when (DeviceMemory.RanOut(fault))
{
    Console.Error.WriteLine($"The GPU's memory ran out: {fault.Message.Split('\n')[0]}");
    return 1;
}
catch (IOException fault)
{
    Console.Error.WriteLine(fault.Message);
    return 1;
}
