using System.Text;
using Pipeline.Contracts;
using Pipeline.Storage;
using Spectre.Console;

namespace Pipeline.LocalHost.Commands;

/// <summary>Shows a run until it has ended: its stages, a bar with loss, tokens a second and time left.</summary>
internal sealed class RunFollower(PipelineStorage storage, IAnsiConsole console)
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(400);

    /// <summary>Seconds that the dataset took, as seen from here.</summary>
    public double DatasetSeconds { get; private set; }

    /// <summary>Follows a run.</summary>
    /// <returns>Its record at the end.</returns>
    public async Task<RunRecord> FollowAsync(string runId, CancellationToken cancellation)
    {
        RunRecord? run = null;
        await console
            .Progress()
            .AutoClear(false)
            .HideCompleted(false)
            .Columns(
                new SpinnerColumn(),
                new TaskDescriptionColumn { Alignment = Justify.Left },
                new ProgressBarColumn(),
                new PercentageColumn()
            )
            .StartAsync(async context =>
            {
                ProgressTask dataset = context.AddTask(RunStages.TitleOf(RunStage.Dataset), maxValue: 1);
                var tasks = new Dictionary<RunStage, ProgressTask>();
                while (run is null or { State: RunState.Running })
                {
                    await Task.Delay(PollInterval, cancellation);
                    run =
                        await storage.Runs.GetAsync(runId, cancellation)
                        ?? throw new HostException($"There is no run '{runId}'.");
                    if (run.Stage != RunStage.Dataset && !dataset.IsFinished)
                    {
                        dataset.Value = 1;
                        dataset.Description = Markup.Escape(
                            RunStages.TitleOf(RunStage.Dataset)
                                + (run.LinearAccuracy is { } linear ? $"  a linear model reaches {linear:P1}" : "")
                        );
                        DatasetSeconds = Math.Max(0, (run.UpdatedAt - run.CreatedAt).TotalSeconds);
                    }

                    foreach (TrainingProgress line in await LinesAsync(runId, cancellation))
                    {
                        Show(context, tasks, line);
                    }
                }

                if (run.State == RunState.Completed)
                {
                    foreach (ProgressTask task in tasks.Values)
                    {
                        task.Value = task.MaxValue;
                    }
                }
            });
        return run!;
    }

    private async Task<IEnumerable<TrainingProgress>> LinesAsync(string runId, CancellationToken cancellation)
    {
        byte[] bytes = await storage.Files.ReadAsync(BlobLayout.Progress(runId), cancellation) ?? [];
        return Encoding
            .UTF8.GetString(bytes)
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(l => ContractJson.Read<TrainingProgress>(l))
            .GroupBy(l => l.Stage)
            .Select(g => g.LastOrDefault(l => l.Loss is not null) ?? g.Last());
    }

    private static void Show(ProgressContext context, Dictionary<RunStage, ProgressTask> tasks, TrainingProgress line)
    {
        if (!tasks.TryGetValue(line.Stage, out ProgressTask? task))
        {
            foreach (ProgressTask earlier in tasks.Values)
            {
                earlier.Value = earlier.MaxValue;
            }

            task = tasks[line.Stage] = context.AddTask(Markup.Escape(RunStages.TitleOf(line.Stage)), maxValue: 1);
        }

        task.MaxValue = Math.Max(1, line.Total);
        task.Value = Math.Min(line.Done, task.MaxValue);
        if (line is { Loss: { } loss, TokensPerSecond: { } speed })
        {
            string left = task.RemainingTime is { } time ? $", {time:mm\\:ss} left" : "";
            task.Description = Markup.Escape(
                string.Create(
                    System.Globalization.CultureInfo.InvariantCulture,
                    $"train  loss {loss:0.000}, {speed:0} tokens/s{left}"
                )
            );
        }
    }
}
