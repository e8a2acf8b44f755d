using System.CommandLine;
using System.Net.Http.Json;
using System.Text;
using Pipeline.Contracts;
using Pipeline.Datasets.Configuration;
using Pipeline.LocalHost.Hosting;
using Spectre.Console;

namespace Pipeline.LocalHost.Commands;

/// <summary><c>submit</c>: drops a file into a project and follows the run.</summary>
internal static class SubmitCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("FILE") { Description = "The raw file" };
        var project = new Option<string>("--project") { Required = true, Description = "The project's name" };
        var settings = new Option<string?>("--settings") { Description = "project.yaml to register first" };
        var test = new Option<string?>("--test")
        {
            Description = "A file that is the test set as a whole; for a project without settings of its own",
        };
        Option<string> data = CommandOptions.Data("serve");
        Option<string?> json = CommandOptions.Json();
        var command = new Command("submit", "Drop a file into a project and follow the run")
        {
            file,
            project,
            settings,
            test,
            data,
            json,
        };
        command.SetAction(
            (parsed, cancellation) =>
                RunAsync(
                    new Submission(
                        parsed.GetRequiredValue(file),
                        parsed.GetRequiredValue(project),
                        parsed.GetValue(settings),
                        parsed.GetValue(test)
                    ),
                    Path.GetFullPath(parsed.GetRequiredValue(data)),
                    parsed.GetValue(json),
                    cancellation
                )
        );
        return command;
    }

    private static async Task<int> RunAsync(
        Submission submission,
        string data,
        string? json,
        CancellationToken cancellation
    )
    {
        (string? yaml, IReadOnlyList<string> heldOut) = submission.Check();
        IAnsiConsole console = AnsiConsole.Console;
        await using HostSession session = await HostSession.OpenAsync(
            new HostOptions { DataDirectory = data, LogToConsole = false },
            text => console.MarkupLineInterpolated($"{text}"),
            cancellation
        );
        if (submission.Test is not null)
        {
            await RefuseToReplaceAsync(session, submission.Project, yaml!, cancellation);
        }

        if (yaml is not null)
        {
            using var body = new StringContent(yaml, Encoding.UTF8, "application/yaml");
            await session.CallAsync<ProjectSettings>(
                HttpMethod.Put,
                $"api/projects/{submission.Project}",
                body,
                cancellation
            );
        }

        foreach (string path in heldOut.Append(submission.File))
        {
            await session.Storage.Files.WriteAsync(
                BlobLayout.Raw(submission.Project, Path.GetFileName(path)),
                await File.ReadAllBytesAsync(path, cancellation),
                cancellation
            );
        }

        using JsonContent call = JsonContent.Create(new { source = Path.GetFileName(submission.File) });
        Started started = await session.CallAsync<Started>(
            HttpMethod.Post,
            $"api/projects/{submission.Project}/runs",
            call,
            cancellation
        );
        if ((await session.Storage.Runs.GetAsync(started.RunId, cancellation))?.State == RunState.Completed)
        {
            console.MarkupLineInterpolated(
                $"The same bytes and settings are run {started.RunId}, which has completed: none started."
            );
        }

        return await FollowAsync(session, console, started.RunId, data, json, cancellation);
    }

    /// <exception cref="HostException">The project has settings, which those of <c>--test</c> would
    /// replace.</exception>
    private static async Task RefuseToReplaceAsync(
        HostSession session,
        string project,
        string yaml,
        CancellationToken cancellation
    )
    {
        byte[]? registered = await session.Storage.Files.ReadAsync(BlobLayout.Project(project), cancellation);
        if (registered is not null && Encoding.UTF8.GetString(registered) != yaml)
        {
            throw new HostException(
                $"Project '{project}' has registered settings, which --test would replace: write split.test into its "
                    + "project.yaml and give that with --settings."
            );
        }
    }

    /// <summary>Follows a run to its end and prints the result.</summary>
    internal static async Task<int> FollowAsync(
        HostSession session,
        IAnsiConsole console,
        string runId,
        string data,
        string? json,
        CancellationToken cancellation
    )
    {
        var follower = new RunFollower(session.Storage, console);
        RunRecord run = await follower.FollowAsync(runId, cancellation);
        RunResult result = await RunSummary.GatherAsync(
            session.Storage,
            run,
            follower.DatasetSeconds,
            Path.Combine(data, "results", run.RunId),
            RunSummary.PeakBytes(session.ProcessIds),
            cancellation
        );
        RunSummary.Print(console, result);
        if (json is not null)
        {
            await File.WriteAllBytesAsync(json, ContractJson.WriteUtf8(result, indented: true), cancellation);
        }

        return run.State == RunState.Completed ? 0 : 1;
    }

    internal sealed record Started(string RunId);

    /// <summary>What was asked for, checked before anything is started.</summary>
    private sealed record Submission(string File, string Project, string? Settings, string? Test)
    {
        /// <summary>
        /// The project.yaml to register, and the paths of test set and guard set, where there are any.
        /// </summary>
        public (string? Yaml, IReadOnlyList<string> HeldOut) Check()
        {
            foreach (string path in ((string?[])[File, Settings, Test]).OfType<string>())
            {
                if (!System.IO.File.Exists(path))
                {
                    throw new HostException($"'{path}' does not exist.");
                }
            }

            if (!BlobLayout.IsProjectName(Project))
            {
                throw new HostException($"'{Project}' cannot name a project: use 3 to 40 of a-z, 0-9 and '-'.");
            }

            if (Settings is not null && Test is not null)
            {
                throw new HostException(
                    "Give the test set either with --test or as split.test in --settings, not both."
                );
            }

            string? yaml =
                Settings is not null ? System.IO.File.ReadAllText(Settings)
                : Test is not null
                    ? $"split:\n  test: '{Path.GetFileName(Test).Replace("'", "''", StringComparison.Ordinal)}'\n"
                : null;
            IEnumerable<string> named = Settings is null
                ? []
                : DatasetCommand.HeldOutFiles(ProjectFile.Read(yaml!, Console.Error.WriteLine), File).Values;
            return (yaml, Test is null ? [.. named] : [Test]);
        }
    }
}
