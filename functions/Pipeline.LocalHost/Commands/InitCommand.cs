using System.CommandLine;
using Pipeline.Datasets;
using Pipeline.Datasets.Building;
using Pipeline.Datasets.Configuration;

namespace Pipeline.LocalHost.Commands;

/// <summary>
/// <c>project init</c>: writes a project.yaml to fill in, with guesses from a file where one is given.
/// </summary>
internal static class InitCommand
{
    private const int MaxQuestions = 3;

    public static Command Create()
    {
        var from = new Option<string?>("--from") { Description = "A raw file to guess settings from" };
        var output = new Option<string>("--out")
        {
            Description = "Where to write project.yaml; its schema is written beside it",
            DefaultValueFactory = _ => "project.yaml",
        };
        var command = new Command("init", "Write a project.yaml to fill in, every key with its meaning")
        {
            from,
            output,
        };
        command.SetAction(parsed => Write(parsed.GetValue(from), Path.GetFullPath(parsed.GetRequiredValue(output))));
        return command;
    }

    /// <exception cref="HostException">The file exists.</exception>
    private static void Write(string? from, string path)
    {
        if (File.Exists(path))
        {
            throw new HostException($"'{path}' exists, and is not written over; name another with --out.");
        }

        string text = from is null ? SettingsSkeleton.Write(Remarks(), []) : FromFile(from);
        ProjectFile.Read(text);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        File.WriteAllText(
            Path.Combine(Path.GetDirectoryName(path)!, SettingsSkeleton.SchemaFile),
            ProjectCommand.SchemaText()
        );
        Console.WriteLine($"Written: {path}");
    }

    private static string FromFile(string from)
    {
        DatasetRequest request = DatasetCommand.Request(null, from);
        // as long as the base reads, so that no row is too long to be looked at
        int? most = DatasetCommand.MaxPositions(request.Settings);
        request = request with
        {
            Settings = request.Settings with
            {
                Validation = new() { MaxTokens = most ?? request.Settings.Validation.MaxTokens },
            },
        };
        List<string> remarks = [.. Remarks(), "", $"Guessed from {Path.GetFileName(from)}:"];
        for (int questions = 0; ; questions++)
        {
            try
            {
                DatasetPreview preview = DatasetPreview.Create(request, shown: 1);
                remarks.AddRange(preview.Plan.Notes);
                return SettingsSkeleton.Write(remarks, SettingsGuess.From(preview));
            }
            catch (DatasetException question)
                when (question.Code == DatasetFaultCode.NeedsSettings && questions < MaxQuestions)
            {
                remarks.Add($"To decide: {question.Question}");
                request = request with { Settings = SettingsGuess.Answer(request.Settings, question) };
            }
        }
    }

    private static string[] Remarks() =>
        [
            "Settings of a project: every key is optional; a line that begins with # is at its default: take the # and",
            "one blank away to set it. docs/settings.md says more of each.",
        ];
}
