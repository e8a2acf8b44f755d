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
}
