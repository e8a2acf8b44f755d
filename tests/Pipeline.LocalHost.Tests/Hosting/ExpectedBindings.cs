namespace Pipeline.LocalHost.Tests.Hosting;

/// <summary>
/// Each function of the app with its bindings: type, name, key, route or path. A change here is one that callers of the
/// app notice.
/// </summary>
internal static class ExpectedBindings
{
    /// <summary>Functions that answer requests for the holder of a key.</summary>
    private static readonly string[] Http =
    [
        "DeleteAdapter: httpTrigger request delete projects/{project}/adapters/{version}",
        "DeleteDeadLetter: httpTrigger request delete deadletters/{id}",
        "DeleteFeedback: httpTrigger request delete projects/{project}/feedback/{id}",
        "DeleteReviewer: httpTrigger request delete projects/{project}/reviewers/{name}",
        "GetAdapterFile: httpTrigger request get projects/{project}/adapters/{version}/files/{file}",
        "GetAdapters: httpTrigger request get projects/{project}/adapters",
        "GetAffected: httpTrigger request get projects/{project}/affected",
        "GetAgreement: httpTrigger request get projects/{project}/agreement",
        "GetAnswers: httpTrigger request get projects/{project}/adapters/{version}/answers",
        "GetAudit: httpTrigger request get runs/{id}/audit",
        "GetCodeBook: httpTrigger request get projects/{project}/codebook",
        "GetDashboard: httpTrigger request get dashboard",
        "GetDeadLetters: httpTrigger request get deadletters",
        "GetPutAside: httpTrigger request get putaside",
        "GetRejected: httpTrigger request get runs/{id}/rejected",
        "GetReport: httpTrigger request get runs/{id}/report",
        "GetReviewItems: httpTrigger request get projects/{project}/queue",
        "GetRunCurve: httpTrigger request get runs/{id}/curve",
        "GetRunEvents: httpTrigger request get runs/{id}/events",
        "PostFeedbackLinks: httpTrigger request post projects/{project}/feedback-links",
        "PostLeases: httpTrigger request post projects/{project}/queue/leases",
        "PostPromotion: httpTrigger request post projects/{project}/adapters/{version}/promote",
        "PostRetirement: httpTrigger request post projects/{project}/adapters/{version}/retire",
        "PostReviewer: httpTrigger request post projects/{project}/reviewers",
        "PostRollback: httpTrigger request post projects/{project}/rollback",
    ];

    /// <summary>The same, with a client of the orchestrations.</summary>
    private static readonly string[] HttpWithClient =
    [
        "CancelRun: httpTrigger request post runs/{id}/cancel",
        "DeleteProject: httpTrigger request delete projects/{project}",
        "GetComparison: httpTrigger request get projects/{project}/compare",
        "GetRun: httpTrigger request get runs/{id}",
        "GetRuns: httpTrigger request get runs",
        "PostComparison: httpTrigger request post projects/{project}/compare",
        "PostDataset: httpTrigger request post projects/{project}/datasets",
        "PostDecision: httpTrigger request post projects/{project}/queue/{item}",
        "PostFeedback: httpTrigger request post projects/{project}/feedback",
        "PostRun: httpTrigger request post projects/{project}/runs",
        "PostWithdrawal: httpTrigger request post projects/{project}/withdrawals",
        "PurgeRun: httpTrigger request delete runs/{id}",
        "PutProject: httpTrigger request put projects/{project}",
        "RequeueDeadLetter: httpTrigger request post deadletters/{id}/requeue",
        "ResumeRun: httpTrigger request post runs/{id}/resume",
    ];

    /// <summary>What begins by itself, and the orchestrations.</summary>
    private static readonly string[] Triggers =
    [
        "RawDrop: blobTrigger blob raw/{project}/{name} from EventGrid, durableClient client",
        "RetrainingTimer: timerTrigger timer %RetrainingSchedule%, durableClient client",
        "TrainingResults: queueTrigger message training-results, durableClient client",
        "AdapterPipeline: orchestrationTrigger context",
        "DatasetGeneration: orchestrationTrigger context",
        "Retraining: orchestrationTrigger context",
        "TrainingWatch: orchestrationTrigger context",
    ];

    /// <summary>Activities of the orchestrations.</summary>
    private static readonly string[] Activities =
    [
        "AssembleDataset: activityTrigger planned",
        "BeginAnswerWait: activityTrigger wait",
        "BuildDatasetPart: activityTrigger input",
        "EndAnswerWait: activityTrigger input",
        "NoteUsedFeedback: activityTrigger used",
        "NotifyEnd: activityTrigger ended",
        "PlanDataset: activityTrigger plan",
        "PrepareRetraining: activityTrigger input",
        "PublishAdapter: activityTrigger input",
        "ReadPulse: activityTrigger runId",
        "RecordFailure: activityTrigger failure",
        "RemoveDatasetParts: activityTrigger planned",
        "SubmitEvaluation: activityTrigger input",
        "SubmitTraining: activityTrigger input",
        "SynthesizeRows: activityTrigger planned",
    ];

    public static IEnumerable<string> All =>
        [
            .. Http.Select(f => f + " key Function, http $return"),
            .. HttpWithClient.Select(f => f + " key Function, durableClient client, http $return"),
            // the same for everybody
            "GetDashboardFile: httpTrigger request get dashboard/{file} key Anonymous, http $return",
            // the link proves by itself what it may
            "GetVerdictLink: httpTrigger request get verdicts/{token} key Anonymous, http $return",
            "PostVerdictLink: httpTrigger request post verdicts/{token} key Anonymous, durableClient client, "
                + "http $return",
            .. Triggers,
            .. Activities,
        ];
}
