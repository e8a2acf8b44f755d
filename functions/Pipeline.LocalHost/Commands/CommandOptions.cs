using System.CommandLine;
using Pipeline.LocalHost.Processes;

namespace Pipeline.LocalHost.Commands;

/// <summary>Options that several commands have.</summary>
internal static class CommandOptions
{
    public static Option<string> Data(string folder) =>
        new("--data")
        {
            Description = "Folder of histories and of the storage emulator's data",
            DefaultValueFactory = _ => Path.Combine(RepositoryLayout.Data, folder),
        };

    public static Option<string?> Json() => new("--json") { Description = "Write the result here for machines" };

    /// <summary>A command that prints a page of Markdown, or writes it to <c>--out</c>.</summary>
    public static Command Page(string name, string description, Func<string> page)
    {
        var output = new Option<string?>("--out") { Description = "Write the page here; default: print it" };
        var command = new Command(name, description) { output };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(output) is { } path)
            {
                File.WriteAllText(path, page());
            }
            else
            {
                Console.Write(page());
            }

            return 0;
        });
        return command;
    }
}
