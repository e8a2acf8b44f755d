using System.Collections.Concurrent;
using Microsoft.DurableTask;
using Pipeline.Functions.Datasets;
using Pipeline.Functions.Notices;
using Pipeline.Functions.Projects;
using Pipeline.Functions.Publishing;
using Pipeline.Functions.Retraining;
using Pipeline.Functions.Runs;
using Pipeline.Functions.Training;

namespace Pipeline.LocalHost.Tests.Orchestrations;

/// <summary>The real orchestrators over activities that record their calls and return what a script says.</summary>
internal sealed class ScriptedTasks
{
    private readonly TaskCompletionSource<string> _submitted = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ActivityScript Script { get; set; } = new();

    /// <summary>The activities in the order of their calls.</summary>
    public ConcurrentQueue<string> Calls { get; } = new();

    /// <summary>The attempt of the job that was submitted.</summary>
    public Task<string> Submitted => _submitted.Task;

    public void Register(DurableTaskRegistry tasks)
    {
        RegisterOrchestrators(tasks);
        RegisterDatasetActivities(tasks);
        RegisterTrainingActivities(tasks);
        RegisterRetrainingActivities(tasks);
    }

    private static void RegisterOrchestrators(DurableTaskRegistry tasks)
    {
        tasks.AddOrchestrator(
            AdapterPipeline.Name,
            () => new Orchestrator<PipelineInput, PipelineOutput>(AdapterPipeline.Run)
        );
        tasks.AddOrchestrator(
            DatasetGeneration.Name,
            () => new Orchestrator<PipelineInput, DatasetOutput>(DatasetGeneration.Run)
        );
        tasks.AddOrchestrator(TrainingWatch.Name, () => new Orchestrator<TrainingWait, TrainingEnd>(TrainingWatch.Run));
        tasks.AddOrchestrator(
            RetrainProject.Name,
            () => new Orchestrator<RetrainingInput, PipelineOutput?>(RetrainProject.Run)
        );
    }

    private void RegisterDatasetActivities(DurableTaskRegistry tasks)
    {
        int turns = 0;
        tasks.AddActivityFunc<DatasetToPlan, DatasetPlanned>(
            PlanDataset.Name,
            (_, plan) =>
                Record(
                    "PlanDataset",
                    new DatasetPlanned(plan.Input, plan.Instance, "dataset-1", 3, [], ["t"], true, Script.PlanFault)
                )
        );
        tasks.AddActivityFunc<DatasetPartInput, string?>(
            BuildDatasetPart.Name,
            (_, part) => Record("BuildDatasetPart", part.Part == 1 ? Script.PartFault : null)
        );
        tasks.AddActivityFunc<DatasetPlanned, SynthesisTurn>(
            SynthesizeRows.Name,
            (_, _) => Record("SynthesizeRows", new SynthesisTurn(++turns % 2 == 0, null))
        );
        tasks.AddActivityFunc<DatasetPlanned, DatasetOutput>(
            AssembleDataset.Name,
            (_, planned) =>
                Record(
                    "AssembleDataset",
                    new DatasetOutput(planned.DatasetId, null)
                    {
                        NeedsAnswers = Script.AnswerWait is not null && planned.Input.FeedbackBatch is null,
                    }
                )
        );
        tasks.AddActivityFunc<AnswerWaitToBegin, AnswerWait>(
            BeginAnswerWait.Name,
            (_, _) => Record("BeginAnswerWait", Script.AnswerWait!)
        );
        tasks.AddActivityFunc<PipelineInput, string?>(
            EndAnswerWait.Name,
            (_, _) => Record("EndAnswerWait", "verdicts-1.jsonl")
        );
        tasks.AddActivityFunc<DatasetPlanned, bool>(
            RemoveDatasetParts.Name,
            (_, _) => Record("RemoveDatasetParts", true)
        );
    }

    private void RegisterTrainingActivities(DurableTaskRegistry tasks)
    {
        tasks.AddActivityFunc<TrainingAttempt, SubmittedJob>(
            SubmitTraining.Name,
            (_, job) =>
            {
                _submitted.TrySetResult(job.Attempt);
                return Record("SubmitTraining", new SubmittedJob(7, Script.Deadline, Script.Deadline, 0));
            }
        );
        tasks.AddActivityFunc<string, JobHeartbeat>(
            ReadHeartbeat.Name,
            (_, _) => Record("ReadPulse", new JobHeartbeat(Script.Lines, false))
        );
        tasks.AddActivityFunc<TrainingAttempt, string>(
            PublishAdapter.Name,
            (_, _) =>
            {
                Calls.Enqueue("PublishAdapter");
                return Script.Publication?.Invoke() ?? "v7 is the champion";
            }
        );
        tasks.AddActivityFunc<EndedRun, bool>(NotifyEnd.Name, (_, _) => true);
        tasks.AddActivityFunc<RunFailure, bool>(
            RecordFailure.Name,
            (_, failure) => Record($"RecordFailure {failure.RunId}: {failure.Error}", true)
        );
    }

    private void RegisterRetrainingActivities(DurableTaskRegistry tasks)
    {
        tasks.AddActivityFunc<RetrainingInput, RetrainingPlan?>(
            PrepareRetraining.Name,
            (_, _) =>
                Record(
                    "PrepareRetraining",
                    Script.NoRetraining
                        ? null
                        : new RetrainingPlan(
                            OrchestratorTests.Drop with
                            {
                                FeedbackBatch = "corrections.jsonl",
                            },
                            "2026-11-30:7"
                        )
                )
        );
        tasks.AddActivityFunc<UsedFeedback, bool>(
            NoteUsedFeedback.Name,
            (_, used) => Record($"NoteUsedFeedback {used.Through}", true)
        );
    }

    private T Record<T>(string call, T result)
    {
        Calls.Enqueue(call);
        return result;
    }

    /// <summary>
    /// An orchestrator function as the registry takes it. (Its overload for functions has analyzers look for their
    /// source, which lies in another assembly.)
    /// </summary>
    private sealed class Orchestrator<TInput, TOutput>(Func<TaskOrchestrationContext, TInput, Task<TOutput>> run)
        : TaskOrchestrator<TInput, TOutput>
    {
        public override Task<TOutput> RunAsync(TaskOrchestrationContext context, TInput input) => run(context, input);
    }
}
