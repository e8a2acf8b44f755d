using Bogus;
using MimeKit;
using Pipeline.Contracts;
using Pipeline.Datasets.Privacy;
using Pipeline.Datasets.Synthesis;
using Pipeline.Tokenization.Templates;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Pipeline.Datasets.Configuration;

/// <summary>
/// Reads project.yaml. People write it, so an unknown key, a wrong type or a value out of range is an error with its
/// line; all of them are reported at once.
/// </summary>
public static class ProjectFile
{
    /// <summary>Bytes of a file, at most: four a character.</summary>
    public const long MaxBytes = 4L * YamlBounds.MaxCharacters;

    private const string AboutAnswers = "is about answers, and task: text learns plain texts; leave it out";
    private const string AboutAdapters = "is about adapters, and method: full trains none; leave it out";

    private static readonly string[] AnswerPaths =
    [
        "labels",
        "systemPrompt",
        "template",
        "synthesis",
        "columns.label",
        "evaluation.generate",
        "evaluation.minimumStopRate",
    ];

    private static readonly string[] AdapterPaths =
    [
        "training.r",
        "training.alpha",
        "training.dropout",
        "training.rslora",
        "training.dora",
        "training.targets",
        "training.neftuneAlpha",
    ];

    /// <summary>The values of the sets that settings name.</summary>
    internal static IReadOnlyDictionary<string, ValueSet> Sets { get; } =
        new Dictionary<string, ValueSet>
        {
            [ValuesOfAttribute.Templates] = ValueSet.From(ChatTemplate.Names),
            [ValuesOfAttribute.Locales] = ValueSet.From(Database.GetAllLocales()),
            [ValuesOfAttribute.PersonalData] = new(
                PrivateType.All,
                PrivateType.Named,
                name =>
                    PrivateType.All.Contains(PrivateType.Named(name))
                        ? null
                        : $"use some of {string.Join(", ", PrivateType.All)}"
            ),
            [ValuesOfAttribute.WebAddresses] = new([], text => text, WebAddressFault),
            [ValuesOfAttribute.MailAddresses] = new([], text => text, MailAddressFault),
            [ValuesOfAttribute.SynthesisTexts] = new([], text => text, TemplateSynthesis.Fault),
        };

    private static string? WebAddressFault(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out Uri? address)
        && (address.Scheme == Uri.UriSchemeHttps || (address.Scheme == Uri.UriSchemeHttp && address.IsLoopback))
        && address.UserInfo.Length == 0
            ? null
            : "use an address that begins with https://";

    private static string? MailAddressFault(string text) =>
        MailboxAddress.TryParse(text, out MailboxAddress? mailbox) && mailbox?.Address == text && text.Contains('@')
            ? null
            : "use a mail address such as name@example.org";

    /// <summary>Reads the settings; an empty file has every default.</summary>
    /// <param name="yaml">The file's text.</param>
    /// <param name="warn">Called with each sentence on what is read but will not be for long.</param>
    /// <exception cref="DatasetException">Code <c>invalid_settings</c>; the message lists every fault with its
    /// line.</exception>
    public static ProjectSettings Read(string yaml, Action<string>? warn = null)
    {
        ArgumentNullException.ThrowIfNull(yaml);
        YamlMappingNode? root = Parse(yaml);
        var binder = new SettingsBinder(Sets);
        ProjectSettings settings = binder.Bind<ProjectSettings>(root) with
        {
            HasExplicitTask = binder.Line("task") > 0,
        };
        RequireEachLabelOnce(settings, binder);
        RequireRules(settings, binder);
        RequirePrices(settings, binder);
        if (settings.Task == TaskKind.Text)
        {
            RefuseGiven(AnswerPaths, AboutAnswers, binder);
            settings = settings with { Template = PlainTextTemplate.TemplateName };
        }

        if (settings.Training.Method == TrainingMethod.Full)
        {
            RefuseGiven(AdapterPaths, AboutAdapters, binder);
        }

        if (binder.Faults.Count > 0)
        {
            throw new DatasetException(
                DatasetFaultCode.InvalidSettings,
                $"project.yaml: {string.Join("; ", binder.Faults)}."
            );
        }

        foreach (string warning in binder.Warnings)
        {
            warn?.Invoke(warning);
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
                        DatasetFaultCode.InvalidSettings,
                        $"project.yaml: line {other.Start.Line}: a mapping of keys is expected, such as 'task: "
                            + "classification'."
                    ),
                };
        }
        catch (YamlException fault)
        {
            throw new DatasetException(
                DatasetFaultCode.InvalidSettings,
                $"project.yaml: line {fault.Start.Line}: {fault.Message}",
                fault
            );
        }
        catch (Exception fault)
            when (fault is InvalidOperationException or ArgumentException or IndexOutOfRangeException)
        {
            // the parser's own faults on damaged text
            throw new DatasetException(
                DatasetFaultCode.InvalidSettings,
                $"project.yaml: the file is not YAML that can be read: {fault.Message}",
                fault
            );
        }
    }

    private static void RefuseGiven(string[] paths, string message, SettingsBinder binder)
    {
        foreach (string path in paths.Where(p => binder.Line(p) > 0))
        {
            binder.Fault(binder.Line(path), path, message);
        }
    }

    private static void RequireEachLabelOnce(ProjectSettings settings, SettingsBinder binder)
    {
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach ((int index, LabelDefinition label) in settings.Labels.Index())
        {
            if (label.Name is null)
            {
                continue; // that it has none is said already
            }

            foreach (string spelling in label.Aliases.Prepend(label.Name.Trim()))
            {
                if (spelling.Length == 0 || !seen.Add(spelling))
                {
                    binder.Fault(
                        binder.Line($"labels[{index}]"),
                        "labels",
                        $"names '{spelling}' twice or leaves it empty; every name and alias must be one label's alone"
                    );
                }
            }
        }
    }

    private static void RequireRules(ProjectSettings settings, SettingsBinder binder)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach ((int index, CodeBookRule rule) in settings.Rules.Index())
        {
            string path = $"rules[{index}]";
            if (rule.Id is not null && !seen.Add(rule.Id))
            {
                binder.Fault(binder.Line(path), "rules", $"has '{rule.Id}' twice; each rule needs an id of its own");
            }

            if (rule.Label is { } label && settings.Labels.Count > 0 && settings.Labels.All(l => l.Name != label))
            {
                binder.Fault(binder.Line(path), "rules", $"gives the label '{label}', which is not under labels");
            }
        }
    }

    private static void RequirePrices(ProjectSettings settings, SettingsBinder binder)
    {
        if (
            settings.Synthesis.Model is { MoneyBudget: not null } model
            && (model.PriceOfMillionIn is null || model.PriceOfMillionOut is null)
        )
        {
            const string Path = "synthesis.model.moneyBudget";
            binder.Fault(binder.Line(Path), Path, "cannot be kept without priceOfMillionIn and priceOfMillionOut");
        }
    }
}
