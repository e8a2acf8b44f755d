using Pipeline.Contracts;
using Pipeline.Tokenization.Templates;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Pipeline.Datasets.Configuration;

/// <summary>
/// Reads project.yaml. People write it, so an unknown key, a wrong type or a value out of range is an error with its
/// line.
/// </summary>
public static class ProjectFile
{
    /// <summary>Bytes of a file, at most: four a character.</summary>
    public const long MaxBytes = 4L * YamlBounds.MaxCharacters;

    /// <summary>Reads the settings; an empty file has every default.</summary>
    /// <exception cref="DatasetException">Code <c>invalid_settings</c>; the message lists every fault with its
    /// line.</exception>
    public static ProjectSettings Read(string yaml)
    {
        ArgumentNullException.ThrowIfNull(yaml);
        YamlMappingNode? root = Parse(yaml);
        var faults = new List<string>();
        var section = new YamlSection(root, "", faults);
        ProjectSettings settings = ReadSettings(section);
        if (faults.Count > 0)
        {
            throw new DatasetException(DatasetException.InvalidSettings, $"project.yaml: {string.Join("; ", faults)}.");
        }

        return settings;
    }

    private static YamlMappingNode? Parse(string yaml)
    {
        try
        {
            YamlBounds.RequireBounded(yaml);
            var stream = new YamlStream();
            stream.Load(new StringReader(yaml));
            return stream.Documents.Count == 0
                ? null
                : stream.Documents[0].RootNode switch
                {
                    YamlMappingNode mapping => mapping,
                    YamlScalarNode { Value: null or "" } => null,
                    YamlNode other => throw new DatasetException(
                        DatasetException.InvalidSettings,
                        $"project.yaml: line {other.Start.Line}: a mapping of keys is expected, such as 'task: classification'."
                    ),
                };
        }
        catch (YamlException fault)
        {
            throw new DatasetException(
                DatasetException.InvalidSettings,
                $"project.yaml: line {fault.Start.Line}: {fault.Message}",
                fault
            );
        }
    }

    private static ProjectSettings ReadSettings(YamlSection root)
    {
        var defaults = new ProjectSettings();
        var settings = new ProjectSettings
        {
            Task = root.OneOf("task", defaults.Task, [.. ProjectSettings.Tasks]),
            HasExplicitTask = root.Line("task") > 0,
            Columns = ReadColumns(root.Section("columns")),
            Labels = ReadLabels(root),
            SystemPrompt = root.Text("systemPrompt"),
            Validation = ReadValidation(root.Section("validation")),
            Privacy = SyntheticTextSections.ReadPrivacy(root.Section("privacy")),
            Synthesis = SyntheticTextSections.Read(root.Section("synthesis")),
            Split = ReadSplit(root.Section("split")),
            Base = root.Text(
                "base",
                defaults.Base,
                name => BlobLayout.IsBaseName(name) ? null : "a base is one folder name under the models directory"
            )!,
            Template = root.Text(
                "template",
                null,
                name => ChatTemplate.Names.Contains(name) ? null : $"use one of {string.Join(", ", ChatTemplate.Names)}"
            ),
            Training = ReadTraining(root.Section("training")),
            Evaluation = ReadEvaluation(root.Section("evaluation")),
            Promotion = ReadPromotion(root.Section("promotion")),
            Retraining = ReadRetraining(root.Section("retraining")),
            Machine = ReadMachine(root.Section("machine")),
        };
        if (settings.Task == ProjectSettings.TextTask)
        {
            foreach (string key in OfAnswers.Where(k => root.Line(k) > 0))
            {
                root.Fault(root.Line(key), key, "is about answers, and task: text learns plain texts; leave it out");
            }

            foreach (
                (string group, string key) in ((string, string)[])
                    [("columns", "label"), ("evaluation", "generate"), ("evaluation", "minimumStopRate")]
            )
            {
                YamlSection section = root.Section(group);
                if (section.Line(key) > 0)
                {
                    section.Fault(
                        section.Line(key),
                        key,
                        "is about answers, and task: text learns plain texts; leave it out"
                    );
                }
            }

            settings = settings with { Template = PlainTextTemplate.TemplateName };
        }

        root.RejectOthers();
        return settings;
    }

    private static readonly string[] OfAnswers = ["labels", "systemPrompt", "template", "synthesis"];

    private static ColumnSettings ReadColumns(YamlSection section)
    {
        var columns = new ColumnSettings
        {
            Text = section.Text("text"),
            Label = section.Text("label"),
            Reviewer = section.Text("reviewer"),
        };
        section.RejectOthers();
        return columns;
    }

    private static List<LabelDefinition> ReadLabels(YamlSection root)
    {
        var labels = new List<LabelDefinition>();
        var seen = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach ((string? text, YamlSection? section, int line) in root.Items("labels"))
        {
            string? name = (section is null ? text : section.Text("name"))?.Trim();
            if (string.IsNullOrEmpty(name))
            {
                root.Fault(line, "labels", "has an entry without a name");
                continue;
            }

            List<string> aliases = [.. section?.Items("aliases").Select(a => a.Text?.Trim() ?? "") ?? []];
            string? definition = section?.Text("definition");
            List<string> examples =
            [
                .. section?.Items("examples").Select(e => e.Text?.Trim() ?? "").Where(e => e.Length > 0) ?? [],
            ];
            section?.RejectOthers();
            foreach (string spelling in aliases.Prepend(name))
            {
                if (spelling.Length == 0 || !seen.TryAdd(spelling, name))
                {
                    root.Fault(
                        line,
                        "labels",
                        $"names '{spelling}' twice or leaves it empty; every name and alias must be one label's alone"
                    );
                }
            }

            labels.Add(
                new LabelDefinition
                {
                    Name = name,
                    Aliases = aliases,
                    Definition = definition,
                    Examples = examples,
                }
            );
        }

        return labels;
    }

    private static ValidationSettings ReadValidation(YamlSection section)
    {
        var defaults = new ValidationSettings();
        var validation = new ValidationSettings
        {
            MaxTokens = section.Integer("maxTokens", defaults.MaxTokens, 16, 131_072),
            NearDuplicates = section.OneOf(
                "nearDuplicates",
                defaults.NearDuplicates,
                ValidationSettings.Group,
                ValidationSettings.Drop
            ),
        };
        section.RejectOthers();
        return validation;
    }

    private static SplitSettings ReadSplit(YamlSection section)
    {
        var defaults = new SplitSettings();
        string? test = section.Text("test");
        bool isFraction = double.TryParse(test, System.Globalization.CultureInfo.InvariantCulture, out _);
        var split = new SplitSettings
        {
            Validation = section.Number("validation", defaults.Validation, 0, 0.5)!.Value,
            Test = isFraction ? section.Number("test", defaults.Test, 0.01, 0.5)!.Value : defaults.Test,
            TestFile = isFraction
                ? null
                : section.Text(
                    "test",
                    null,
                    name =>
                        name.Contains('/', StringComparison.Ordinal) || name.Contains('\\', StringComparison.Ordinal)
                            ? "give a fraction, or the name of a file beside the dropped one"
                            : null
                ),
            Seed = section.Integer("seed", defaults.Seed, 0, int.MaxValue),
        };
        section.RejectOthers();
        return split;
    }

    private static readonly string[] AdapterKeys =
    [
        "r",
        "alpha",
        "dropout",
        "rslora",
        "dora",
        "targets",
        "neftuneAlpha",
    ];

    private static TrainingSettings ReadTraining(YamlSection section)
    {
        var defaults = new TrainingSettings();
        var training = new TrainingSettings
        {
            Method = section.OneOf(
                "method",
                defaults.Method,
                TrainingSettings.Qlora,
                TrainingSettings.Lora,
                TrainingSettings.Full
            ),
            R = section.Integer("r", defaults.R, 1, 1024),
            Alpha = section.Number("alpha", defaults.Alpha, 0, 65_536, open: true)!.Value,
            Dropout = section.Number("dropout", defaults.Dropout, 0, 0.99)!.Value,
            Rslora = section.Flag("rslora", defaults.Rslora),
            Dora = section.Flag("dora", defaults.Dora),
            Targets = ReadTargets(section, defaults),
            NeftuneAlpha = section.Number("neftuneAlpha", defaults.NeftuneAlpha, 0, 100)!.Value,
            Epochs = section.Integer("epochs", defaults.Epochs, 1, 100),
            BatchSize = section.Integer("batchSize", defaults.BatchSize, 1, 1024),
            PackTokens = section.Text("packTokens") is null ? null : section.Integer("packTokens", 4096, 16, 1_048_576),
            GradientAccumulation = section.Integer("gradientAccumulation", defaults.GradientAccumulation, 1, 1024),
            LearningRate = section.Number("learningRate", defaults.LearningRate, 0, 1, open: true),
            Schedule = section.OneOf(
                "schedule",
                defaults.Schedule,
                TrainingSettings.Cosine,
                TrainingSettings.Linear,
                TrainingSettings.Constant
            ),
            Optimizer = section.OneOf(
                "optimizer",
                defaults.Optimizer,
                TrainingSettings.AdamW,
                TrainingSettings.AdamW8Bit
            ),
            WarmupSteps = section.Integer("warmupSteps", defaults.WarmupSteps, 0, 100_000),
            Memory = section.OneOf(
                "memory",
                defaults.Memory,
                [TrainingSettings.AutoMemory, .. Enum.GetNames<GpuMemory>().Select(n => n.ToLowerInvariant())]
            ),
            WeightDecay = section.Number("weightDecay", defaults.WeightDecay, 0, 1)!.Value,
            ClipNorm = section.Number("clipNorm", defaults.ClipNorm, 0, 1e6, open: true)!.Value,
            Seed = section.Integer("seed", defaults.Seed, 0, int.MaxValue),
            CheckpointSteps = section.Integer("checkpointSteps", defaults.CheckpointSteps, 1, 100_000),
            EvaluationSteps = IntegerIfGiven(section, "evaluationSteps", 100_000),
            EarlyStopping = IntegerIfGiven(section, "earlyStopping", 1000),
            KeepBest = section.Flag("keepBest", defaults.KeepBest),
        };
        if (training.Method == TrainingSettings.Full)
        {
            RefuseAdapterKeys(section);
        }

        section.RejectOthers();
        return training;
    }

    /// <summary>An integer from 1; <c>null</c>: the key is not given.</summary>
    private static int? IntegerIfGiven(YamlSection section, string key, int most) =>
        section.Text(key) is null ? null : section.Integer(key, 1, 1, most);

    private static void RefuseAdapterKeys(YamlSection section)
    {
        foreach (string key in AdapterKeys.Where(k => section.Line(k) > 0))
        {
            section.Fault(section.Line(key), key, "is about adapters, and method: full trains none; leave it out");
        }
    }

    private static IReadOnlyList<string> ReadTargets(YamlSection section, TrainingSettings defaults)
    {
        List<string> targets = [];
        foreach ((string? text, _, int line) in section.Items("targets"))
        {
            if (string.IsNullOrWhiteSpace(text))
            {
                section.Fault(line, "targets", "must be a list of names, such as [q_proj, v_proj], or [all-linear]");
            }
            else
            {
                targets.Add(text.Trim());
            }
        }

        return targets.Count > 0 ? targets : defaults.Targets;
    }

    private static EvaluationSettings ReadEvaluation(YamlSection section)
    {
        var defaults = new EvaluationSettings();
        var evaluation = new EvaluationSettings
        {
            BootstrapSamples = section.Integer("bootstrapSamples", defaults.BootstrapSamples, 200, 100_000),
            Generate = section.Flag("generate", defaults.Generate),
            MinimumStopRate = section.Number("minimumStopRate", defaults.MinimumStopRate, 0, 1)!.Value,
        };
        section.RejectOthers();
        return evaluation;
    }

    private static PromotionSettings ReadPromotion(YamlSection section)
    {
        var promotion = new PromotionSettings { MinimumGain = section.Number("minimumGain", 0, -1, 1)!.Value };
        section.RejectOthers();
        return promotion;
    }

    private static MachineSettings ReadMachine(YamlSection section)
    {
        var machine = new MachineSettings
        {
            TokensPerSecond = section.Number("tokensPerSecond", null, 0, 1e9, open: true),
            PricePerHour = section.Number("pricePerHour", null, 0, 1e6),
            MemoryGiB = section.Number("memoryGiB", null, 0, 1e6, open: true),
            GpuMemoryGiB = section.Number("gpuMemoryGiB", null, 0, 1e6, open: true),
        };
        section.RejectOthers();
        return machine;
    }

    private static RetrainingSettings ReadRetraining(YamlSection section)
    {
        var defaults = new RetrainingSettings();
        var retraining = new RetrainingSettings
        {
            FeedbackCount = section.Integer("feedbackCount", defaults.FeedbackCount, 0, 1_000_000),
            ScheduledMinimum = section.Integer("scheduledMinimum", defaults.ScheduledMinimum, 1, 1_000_000),
        };
        section.RejectOthers();
        return retraining;
    }
}
