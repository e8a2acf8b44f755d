using Bogus;
using Pipeline.Contracts;
using Pipeline.Datasets.Privacy;
using Pipeline.Datasets.Synthesis;

namespace Pipeline.Datasets.Configuration;

/// <summary>Reads <c>synthesis</c> and <c>privacy</c> of project.yaml: what Bogus makes.</summary>
internal static class SyntheticTextSections
{
    private static readonly string[] Locales = [.. Database.GetAllLocales()];

    public static SynthesisSettings Read(YamlSection section)
    {
        var defaults = new SynthesisSettings();
        var settings = new SynthesisSettings
        {
            Seed = section.Integer("seed", defaults.Seed, 0, int.MaxValue),
            Locale = Locale(section, defaults.Locale),
            Templates = ReadTemplates(section),
            Model = section.Line("model") > 0 ? ReadModel(section.Section("model"), section.Line("model")) : null,
        };
        section.RejectOthers();
        return settings;
    }

    /// <summary>Reads <c>privacy</c>.</summary>
    public static PrivacySettings ReadPrivacy(YamlSection section)
    {
        var defaults = new PrivacySettings();
        List<string> types = [];
        foreach ((string? text, _, int line) in section.Items("types"))
        {
            string type = PrivateType.Named(text ?? "");
            if (!PrivateType.All.Contains(type))
            {
                section.Fault(line, "types", $"names '{text}'; use some of {string.Join(", ", PrivateType.All)}");
            }

            types.Add(type);
        }

        var settings = new PrivacySettings
        {
            Mode = section.OneOf(
                "mode",
                defaults.Mode,
                PrivacySettings.Keep,
                PrivacySettings.Mask,
                PrivacySettings.Surrogate
            ),
            Types = types.Count > 0 ? types : defaults.Types,
            Locale = Locale(section, defaults.Locale),
            Seed = section.Integer("seed", defaults.Seed, 0, int.MaxValue),
        };
        section.RejectOthers();
        return settings;
    }

    private static string Locale(YamlSection section, string otherwise) =>
        section.Text(
            "locale",
            otherwise,
            l => Locales.Contains(l, StringComparer.Ordinal) ? null : $"use one of {string.Join(", ", Locales)}"
        )!;

    private static List<SynthesisTemplate> ReadTemplates(YamlSection section)
    {
        var templates = new List<SynthesisTemplate>();
        foreach ((_, YamlSection? item, int line) in section.Items("templates"))
        {
            if (item is null)
            {
                section.Fault(line, "templates", "must be a list of {text, label, count}");
                continue;
            }

            string? text = item.Text("text", null, t => TemplateSynthesis.Fault(t));
            string? label = item.Text("label");
            string? answer = item.Text("answer", null, t => TemplateSynthesis.Fault(t));
            if (
                string.IsNullOrWhiteSpace(text)
                || string.IsNullOrWhiteSpace(label ?? answer)
                || (label is not null && answer is not null)
            )
            {
                section.Fault(
                    line,
                    "templates",
                    "has an entry without a text, or without a label or an answer, or with both"
                );
            }

            templates.Add(
                new SynthesisTemplate
                {
                    Text = text ?? "",
                    Answer = label ?? answer ?? "",
                    Count = item.Integer("count", 20, 1, 100_000),
                }
            );
            item.RejectOthers();
        }

        return templates;
    }

    private static ModelSynthesisSettings ReadModel(YamlSection section, int line)
    {
        var defaults = new ModelSynthesisSettings { Deployment = "" };
        string? deployment = section.Text("deployment");
        if (string.IsNullOrWhiteSpace(deployment))
        {
            section.Fault(
                line,
                "deployment",
                "names no deployment of Azure OpenAI; give the one that shall write rows"
            );
        }

        var model = new ModelSynthesisSettings
        {
            Deployment = deployment ?? "",
            Rows = section.Integer("rows", defaults.Rows, 1, 1_000_000),
            RowsPerCall = section.Integer("rowsPerCall", defaults.RowsPerCall, 1, 50),
            Examples = section.Integer("examples", defaults.Examples, 0, 50),
            Concurrency = section.Integer("concurrency", defaults.Concurrency, 1, 64),
            Temperature = section.Number("temperature", defaults.Temperature, 0, 2)!.Value,
            MaxOutputTokens = section.Integer("maxOutputTokens", defaults.MaxOutputTokens, 64, 32_768),
            TokenBudget = (long)section.Number("tokenBudget", defaults.TokenBudget, 1000, 1e12)!.Value,
            MoneyBudget = section.Number("moneyBudget", null, 0, 1e9, open: true),
            PriceOfMillionIn = section.Number("priceOfMillionIn", null, 0, 1e6),
            PriceOfMillionOut = section.Number("priceOfMillionOut", null, 0, 1e6),
            CheckLabels = section.Flag("checkLabels", defaults.CheckLabels),
        };
        if (model.MoneyBudget is not null && (model.PriceOfMillionIn is null || model.PriceOfMillionOut is null))
        {
            section.Fault(
                section.Line("moneyBudget"),
                "moneyBudget",
                "cannot be kept without priceOfMillionIn and priceOfMillionOut"
            );
        }

        section.RejectOthers();
        return model;
    }
}
