using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace Pipeline.Contracts;

/// <summary>
/// Rows that are made, not dropped. They are only learned from: validation and test hold rows of people alone.
/// </summary>
public sealed record SynthesisSettings
{
    /// <summary>Another seed gives other rows. 0 to 2,147,483,647; default 1.</summary>
    [Range(0, int.MaxValue)]
    [Description("another seed gives other rows")]
    public int Seed { get; init; } = 1;

    /// <summary>
    /// Language and country of what fills the templates: a locale of Bogus, such as <c>en</c>, <c>de</c> or
    /// <c>pt_BR</c>. Default <c>en</c>.
    /// </summary>
    [ValuesOf(ValuesOfAttribute.Locales)]
    [Description("language and country of what fills the templates, a locale of Bogus")]
    public string Locale { get; init; } = "en";

    /// <summary>Sentences with placeholders. Default: none.</summary>
    [Description("sentences with placeholders")]
    public IReadOnlyList<SynthesisTemplate> Templates { get; init; } = [];

    /// <summary>A language model that writes rows; <c>null</c> (default): none.</summary>
    [Description("a language model that writes rows")]
    public ModelSynthesisSettings? Model { get; init; }

    /// <summary>Whether anything is made.</summary>
    [JsonPropertyName("isAskedFor")] // as it was written before: ids of runs and datasets hash it
    [Browsable(false)]
    public bool IsRequested => Templates.Count > 0 || Model is not null;
}

/// <summary>A sentence with placeholders and its answer.</summary>
public sealed record SynthesisTemplate
{
    /// <summary>The text, with placeholders of Bogus such as <c>{{name.firstName}}</c>.</summary>
    [ValuesOf(ValuesOfAttribute.SynthesisTexts)]
    [Description("the sentence, with placeholders such as `{{name.firstName}}`")]
    public required string Text { get; init; }

    /// <summary>The label, or the answer; of an answer that is not a label the placeholders are filled too.</summary>
    [SettingKey("label")]
    [SettingKey("answer")]
    [ValuesOf(ValuesOfAttribute.SynthesisTexts)]
    [Description("the label, or an answer in which placeholders are filled too")]
    public required string Answer { get; init; }

    /// <summary>Rows to make. 1 to 100,000; default 20.</summary>
    [Range(1, 100_000)]
    [Description("rows to create")]
    public int Count { get; init; } = 20;
}

/// <summary>How a language model writes rows.</summary>
public sealed record ModelSynthesisSettings
{
    /// <summary>The deployment's name in Azure OpenAI.</summary>
    [Description("the deployment's name in Azure OpenAI")]
    public required string Deployment { get; init; }

    /// <summary>Rows to ask for, of each label; without labels in all. 1 to 1,000,000; default 50.</summary>
    [Range(1, 1_000_000)]
    [Description("rows to request for each label; in total without labels")]
    public int Rows { get; init; } = 50;

    /// <summary>Rows a call. 1 to 50; default 10.</summary>
    [Range(1, 50)]
    [Description("rows per call")]
    public int RowsPerCall { get; init; } = 10;

    /// <summary>Training rows shown as examples in each call. 0 to 50; default 4.</summary>
    [Range(0, 50)]
    [Description("training rows shown as examples in each call")]
    public int Examples { get; init; } = 4;

    /// <summary>Calls at a time. 1 to 64; default 4.</summary>
    [Range(1, 64)]
    [Description("concurrent calls")]
    public int Concurrency { get; init; } = 4;

    /// <summary>0 to 2; default 1.</summary>
    [Range(0.0, 2.0)]
    [Description("sampling temperature")]
    public double Temperature { get; init; } = 1;

    /// <summary>Tokens that an answer may have. 64 to 32,768; default 4,000.</summary>
    [Range(64, 32_768)]
    [Description("longest answer of a call")]
    public int MaxOutputTokens { get; init; } = 4000;

    /// <summary>
    /// Tokens that may be bought in all, prompts and answers. No call starts that could go beyond. 1,000 to 10^12;
    /// default 1,000,000.
    /// </summary>
    [Range(1000.0, 1e12)]
    [Description("prompt and answer tokens of all calls together")]
    public long TokenBudget { get; init; } = 1_000_000;

    /// <summary>
    /// What may be spent in all, in the currency of the prices; <c>null</c> (default): the token budget alone holds.
    /// </summary>
    [Range(0.0, 1e9, MinimumIsExclusive = true)]
    [Description("cost of all calls together; needs both prices")]
    public double? MoneyBudget { get; init; }

    /// <summary>Price of a million prompt tokens.</summary>
    [Range(0.0, 1e6)]
    [Description("price of a million prompt tokens")]
    public double? PriceOfMillionIn { get; init; }

    /// <summary>Price of a million answer tokens.</summary>
    [Range(0.0, 1e6)]
    [Description("price of a million answer tokens")]
    public double? PriceOfMillionOut { get; init; }

    /// <summary>
    /// Whether a second call says which label each row has; where the two differ the row goes to a person. Default
    /// false.
    /// </summary>
    [Description("a second call labels each row; where the two differ, the row goes to a person")]
    public bool CheckLabels { get; init; }
}

/// <summary>What a generator made for a dataset.</summary>
/// <param name="Generator">Its name: <c>templates</c>, or the model's deployment.</param>
/// <param name="Requested">Rows asked for.</param>
/// <param name="Made">Rows made; how they ended stands with all other rows.</param>
/// <param name="Learned">Rows that are among the training rows.</param>
/// <param name="Calls">Calls bought.</param>
/// <param name="TokensIn">Prompt tokens bought.</param>
/// <param name="TokensOut">Answer tokens bought.</param>
/// <param name="Cost">What they cost; <c>null</c> where project.yaml has no prices.</param>
public sealed record SynthesisSummary(
    string Generator,
    [property: JsonPropertyName("asked")] long Requested,
    int Made,
    int Learned,
    int Calls,
    long TokensIn,
    long TokensOut,
    double? Cost
);

/// <summary>A row that was made.</summary>
public sealed record SyntheticRow
{
    public required string Text { get; init; }
    public required string Answer { get; init; }

    /// <summary>Who made it.</summary>
    public required SyntheticOrigin Origin { get; init; }

    /// <summary>Why a person should look at it first; <c>null</c>: there is no doubt.</summary>
    public string? Doubt { get; init; }
}

/// <summary>Who made a row, and of what.</summary>
/// <param name="Generator"><c>templates</c>, or the model's deployment.</param>
/// <param name="PromptHash">Of the prompt as sent, or of the template: the first 16 hexadecimal digits of
/// SHA-256.</param>
/// <param name="Parents">Ids of the training rows that it was made after.</param>
public sealed record SyntheticOrigin(string Generator, string PromptHash, IReadOnlyList<string> Parents);
