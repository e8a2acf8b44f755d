using System.CommandLine;
using System.Text.Json;
using Pipeline.Contracts;
using Pipeline.Datasets.Configuration;

namespace Pipeline.LocalHost.Commands;

/// <summary><c>project</c>: what helps with writing project.yaml.</summary>
internal static class ProjectCommand
{
    public static Command Create() =>
        new("project", "Help with writing project.yaml; delete a project")
        {
            InitCommand.Create(),
            SchemaCommand(),
            SettingsPageCommand(),
            DeleteCommand(),
        };

    /// <summary>The JSON schema of project.yaml.</summary>
    internal static string SchemaText() => SettingsSchema.Create().ToJsonString(ContractJson.Indented) + "\n";

    private static Command SchemaCommand()
    {
        var output = new Option<string?>("--out") { Description = "Write the schema here; default: print it" };
        var command = new Command("schema", "The JSON schema of project.yaml, for editors") { output };
        command.SetAction(parsed =>
        {
            string schema = SchemaText();
            if (parsed.GetValue(output) is { } path)
            {
                File.WriteAllText(path, schema);
            }
            else
            {
                Console.Write(schema);
            }
        });
        return command;
    }

    private static Command DeleteCommand()
    {
        var project = new Argument<string>("PROJECT") { Description = "The project" };
        var confirm = new Option<string>("--confirm") { Description = "Its name once more", Required = true };
        Option<string> data = CommandOptions.Data("serve");
        var command = new Command("delete", "Delete a project for good: files, datasets, runs, versions, feedback")
        {
            project,
            confirm,
            data,
        };
        command.SetAction(
            (parsed, cancellation) =>
                HostSession.UseAsync(
                    parsed.GetRequiredValue(data),
                    async session =>
                    {
                        string name = Uri.EscapeDataString(parsed.GetRequiredValue(project));
                        string confirmed = Uri.EscapeDataString(parsed.GetRequiredValue(confirm));
                        JsonElement answer = await session.CallAsync<JsonElement>(
                            HttpMethod.Delete,
                            $"api/projects/{name}?confirm={confirmed}",
                            null,
                            cancellation
                        );
                        Console.WriteLine(ContractJson.Write(answer, indented: true));
                        return 0;
                    },
                    cancellation
                )
        );
        return command;
    }

    private static Command SettingsPageCommand()
    {
        var page = new Argument<string>("PAGE") { Description = "docs/settings.md" };
        var command = new Command("settings-page", "Write the tables of the settings page anew") { page };
        command.SetAction(parsed =>
        {
            string path = parsed.GetRequiredValue(page);
            File.WriteAllText(path, SettingsTables.Update(File.ReadAllText(path)));
        });
        return command;
    }
}
