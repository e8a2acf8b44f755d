using System.Text.Json.Serialization;

namespace Pipeline.Contracts;

/// <summary>What a model is compared with that needs no language model.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Baseline>))]
public enum Baseline
{
    /// <summary>Always the most frequent label.</summary>
    [JsonStringEnumMemberName("majority")]
    Majority,

    /// <summary>Naive Bayes on single words.</summary>
    [JsonStringEnumMemberName("naiveBayes")]
    NaiveBayes,

    /// <summary>A linear model on word and character n-grams.</summary>
    [JsonStringEnumMemberName("linear")]
    Linear,
}
