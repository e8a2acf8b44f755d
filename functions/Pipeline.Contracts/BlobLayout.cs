using System.Text.RegularExpressions;

namespace Pipeline.Contracts;

/// <summary>The only place that knows the names of blobs, tables and queues.</summary>
public static partial class BlobLayout
{
    public const string ProjectsContainer = "projects";
    public const string RawContainer = "raw";
    public const string DatasetsContainer = "datasets";
    public const string JobsContainer = "jobs";
    public const string AdaptersContainer = "adapters";
    public const string RegistryContainer = "registry";
    public const string FeedbackContainer = "feedback";

    public const string RunsTable = "runs";

    /// <summary>Why dead letters are some. The name is that of earlier versions: the table is stored data.</summary>
    public const string DeadLettersTable = "putaside";

    /// <summary>What embedded hosts on one account tell each other; Azure Functions has its own.</summary>
    public const string TriggersTable = "triggers";
    public const string TrainingJobsQueue = "training-jobs";
    public const string TrainingResultsQueue = "training-results";

    public const string ManifestFile = "manifest.json";
    public const string TrainFile = "train.jsonl";
    public const string ValidationFile = "validation.jsonl";
    public const string TestFile = "test.jsonl";

    /// <summary>Rows of the guard set, where the project has one.</summary>
    public const string GuardFile = "guard.jsonl";
    public const string RejectedFile = "rejected.jsonl";
    public const string ConflictsFile = "conflicts.jsonl";
    public const string AuditFile = "audit.json";
    public const string AuditPageFile = "audit.html";

    /// <summary>What needs no language model reaches on the held-out rows; of datasets with labels.</summary>
    public const string BaselineFile = "baseline.json";
    public const string AdapterWeightsFile = "adapter_model.safetensors";
    public const string AdapterConfigFile = "adapter_config.json";

    /// <summary>The weights of a model that was trained as a whole, in the place of an adapter's.</summary>
    public const string ModelWeightsFile = "model.safetensors";
    public const string ModelConfigFile = "config.json";
    public const string EvaluationFile = "evaluation.json";

    /// <summary>The champion on the version's held-out rows, where it had not answered them all before.</summary>
    public const string ChampionFile = "champion.json";
    public const string ReportFile = "report.html";
    public const string TrainingFile = "training.json";
    public const string ModelCardFile = "README.md";

    /// <summary>The linear model that was trained on the same rows, in ONNX; for tasks with labels.</summary>
    public const string LinearModelFile = "linear.onnx";
    public const string ProofFile = "proof.json";

    /// <summary>The gate's verdict; written when the version is published.</summary>
    public const string GateFile = "gate.json";
    public const string TemplateFile = "template.json";
    public const string GenerationConfigFile = "generation_config.json";

    public static IReadOnlyList<string> Containers { get; } =
    [
        ProjectsContainer,
        RawContainer,
        DatasetsContainer,
        JobsContainer,
        AdaptersContainer,
        RegistryContainer,
        FeedbackContainer,
    ];

    public static IReadOnlyList<string> Queues { get; } = [TrainingJobsQueue, TrainingResultsQueue];

    /// <summary>Where drops go that no function could work with; the name is the official host's.</summary>
    public const string BlobPoisonQueue = "webjobs-blobtrigger-poison";

    /// <summary>Every poison queue.</summary>
    public static IReadOnlyList<string> PoisonQueues { get; } =
    [BlobPoisonQueue, PoisonOf(TrainingJobsQueue), PoisonOf(TrainingResultsQueue)];

    /// <summary>The queue whose messages a poison queue holds; <c>null</c>: it holds drops.</summary>
    public static string? SourceOf(string poisonQueue) => Queues.FirstOrDefault(q => PoisonOf(q) == poisonQueue);

    /// <summary>Where a queue's messages go that nobody could work with.</summary>
    public static string PoisonOf(string queue) => queue + "-poison";

    /// <summary>What the names of a project's blobs begin with in each container that it has some in.</summary>
    public static string PrefixOf(string project) => $"{Checked(project)}/";

    public static BlobAddress Project(string project) => new(ProjectsContainer, $"{Checked(project)}/project.yaml");

    /// <summary>
    /// Where corrected rows of a raw blob are dropped: <c>raw/{project}/mended/{source}/{name}</c>. From then on they
    /// are read after it.
    /// </summary>
    public static string CorrectedPrefix(string project, string source) =>
        $"{Checked(project)}/{CorrectedFolder}{CheckedName(source, NameKind.Path)}/";

    /// <summary>The raw blob that a drop mends; <c>null</c>: it is one of its own.</summary>
    /// <param name="name">The drop's name within its project.</param>
    public static string? CorrectedSource(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        int end = name.LastIndexOf('/');
        return name.StartsWith(CorrectedFolder, StringComparison.Ordinal) && end > CorrectedFolder.Length
            ? name[CorrectedFolder.Length..end]
            : null;
    }

    private const string CorrectedFolder = "mended/";

    /// <summary>Rows that no dataset of the project is made with any more.</summary>
    public static BlobAddress Withdrawn(string project) => new(ProjectsContainer, $"{Checked(project)}/withdrawn.json");

    /// <summary>Whose feedback counts as that of one person: names, and hashes of their keys.</summary>
    public static BlobAddress Reviewers(string project) => new(ProjectsContainer, $"{Checked(project)}/reviewers.json");

    public static BlobAddress Raw(string project, string name) =>
        new(RawContainer, $"{Checked(project)}/{CheckedName(name, NameKind.Path)}");

    public static string DatasetPrefix(string datasetId) => $"{CheckedId(datasetId)}/";

    public static BlobAddress Dataset(string datasetId, string file) =>
        new(DatasetsContainer, DatasetPrefix(datasetId) + file);

    /// <summary>What is kept while a dataset is built in parts; gone when it is whole.</summary>
    /// <param name="datasetId">The dataset.</param>
    /// <param name="instance">The orchestration that builds it.</param>
    public static string BuildPrefix(string datasetId, string instance) =>
        $"{DatasetPrefix(datasetId)}build/{instance}/";

    public static BlobAddress BuildPlan(string datasetId, string instance) =>
        new(DatasetsContainer, BuildPrefix(datasetId, instance) + "plan.json");

    public static BlobAddress BuildPart(string datasetId, string instance, int part) =>
        new(DatasetsContainer, $"{BuildPrefix(datasetId, instance)}part-{part:D5}");

    /// <summary>The synthetic rows of a dataset that is built in parts.</summary>
    public static BlobAddress BuildSynthetic(string datasetId, string instance) =>
        new(DatasetsContainer, BuildPrefix(datasetId, instance) + "synthetic.json");

    /// <summary>A language model's answer that was bought for a project, under the hash of what was asked.</summary>
    public static BlobAddress ModelAnswer(string project, string key) =>
        new(ProjectsContainer, $"{ModelAnswers(project)}{key}.json");

    /// <summary>What their names begin with.</summary>
    public static string ModelAnswers(string project) => $"{Checked(project)}/synthesis/";

    public static string JobPrefix(string runId) => $"{CheckedId(runId)}/";

    public static BlobAddress Job(string runId) => new(JobsContainer, JobPrefix(runId) + "job.json");

    /// <summary>The project's settings that the run was started with.</summary>
    public static BlobAddress RunSettings(string runId) => new(JobsContainer, JobPrefix(runId) + "settings.json");

    public static BlobAddress Progress(string runId) => new(JobsContainer, JobPrefix(runId) + "progress.jsonl");

    /// <summary>Written to ask the worker to stop at its next step.</summary>
    public static BlobAddress CancelRequest(string runId) => new(JobsContainer, JobPrefix(runId) + "cancel");

    /// <summary>The blob whose lease says which worker has the job.</summary>
    public static BlobAddress JobLock(string runId) => new(JobsContainer, JobPrefix(runId) + "lock.json");

    /// <summary>The message that was sent for the run.</summary>
    public static BlobAddress JobMessage(string runId) => new(JobsContainer, JobPrefix(runId) + "message.json");

    /// <summary>Who has been told of the run's end.</summary>
    public static BlobAddress Notices(string runId) => new(JobsContainer, JobPrefix(runId) + "notices.json");

    public static string CheckpointPrefix(string runId) => JobPrefix(runId) + "checkpoint/";

    public static BlobAddress Checkpoint(string runId, string file) =>
        new(JobsContainer, CheckpointPrefix(runId) + file);

    public static string AdapterPrefix(string project, int version) => $"{Checked(project)}/v{version}/";

    public static BlobAddress Adapter(string project, int version, string file) =>
        new(AdaptersContainer, $"{Checked(project)}/v{version}/{file}");

    /// <summary>The job in which a version answers a newer one's held-out rows.</summary>
    public static string ComparisonJob(string project, int older, int newer) =>
        $"{ComparisonJobs(project)}{older}-v{newer}";

    /// <summary>What the names of such jobs begin with; no run's does.</summary>
    public static string ComparisonJobs(string project) => $"{Checked(project)}-compare-v";

    /// <summary>An older version's answers to a version's held-out rows and guard set.</summary>
    public static BlobAddress ComparedAnswers(string project, int older, int newer) =>
        Adapter(project, newer, $"answers/v{older}.json");

    public static BlobAddress Registry(string project) => new(RegistryContainer, $"{Checked(project)}.json");

    public static string FeedbackPrefix(string project) => $"{Checked(project)}/";

    public static BlobAddress Feedback(string project, string id) =>
        new(FeedbackContainer, $"{Checked(project)}/{CheckedName(id, NameKind.File)}.json");

    /// <summary>A day's verdicts, which are only added to: an append blob.</summary>
    /// <param name="project">The project.</param>
    /// <param name="day">The day, UTC.</param>
    public static BlobAddress VerdictLog(string project, DateOnly day) =>
        new(FeedbackContainer, $"{VerdictLogPrefix(project)}{day:yyyy-MM-dd}.jsonl");

    public static string VerdictLogPrefix(string project) => $"{Checked(project)}/log/";

    /// <summary>An append blob with a block for each verdict that a reviewer has sent on a day.</summary>
    /// <param name="project">The project.</param>
    /// <param name="day">The day, UTC.</param>
    /// <param name="reviewer">A hash of the reviewer's name.</param>
    public static BlobAddress VerdictCount(string project, DateOnly day, string reviewer) =>
        new(FeedbackContainer, $"{Checked(project)}/count/{day:yyyy-MM-dd}/{CheckedId(reviewer)}");

    /// <summary>Which items of the review queue reviewers have for themselves.</summary>
    public static BlobAddress ReviewLeases(string project) =>
        new(FeedbackContainer, $"{Checked(project)}/review/leases.json");

    /// <summary>The versions of the project's code book.</summary>
    public static BlobAddress CodeBook(string project) => new(ProjectsContainer, $"{Checked(project)}/codebook.json");

    /// <summary>The keys that sign links; of all projects.</summary>
    public const string LinkKeysPrefix = "_link-keys/";

    public static BlobAddress LinkKey(string name) =>
        new(ProjectsContainer, $"{LinkKeysPrefix}{CheckedName(name, NameKind.File)}.xml");

    /// <summary>Corrections gathered for a dataset, as rows.</summary>
    public static BlobAddress FeedbackBatch(string project, string name) =>
        new(FeedbackContainer, $"{Checked(project)}/batches/{CheckedName(name, NameKind.File)}");

    /// <summary>Whether <paramref name="project"/> can name a project: 3 to 40 of a-z, 0-9 and the hyphen.</summary>
    public static bool IsProjectName(string project) => SafeName.TryParse(project, NameKind.Project, out _);

    /// <summary>Whether <paramref name="name"/> can name a base model: one folder name, no path.</summary>
    public static bool IsBaseName(string name) => BaseName().IsMatch(name);

    private static string Checked(string project) => CheckedName(project, NameKind.Project);

    private static string CheckedId(string id) => CheckedName(id, NameKind.Run);

    /// <summary>No name reaches storage that could lead to another project's blobs.</summary>
    private static string CheckedName(string name, NameKind kind) =>
        SafeName.Fault(name, kind) is { } fault ? throw new ArgumentException(fault, nameof(name)) : name;

    /// <summary>The form of a base's name, a regular expression.</summary>
    public const string BaseNamePattern = @"^[A-Za-z0-9][A-Za-z0-9._-]{0,95}\z";

    [GeneratedRegex(BaseNamePattern, RegexOptions.CultureInvariant)]
    private static partial Regex BaseName();
}
