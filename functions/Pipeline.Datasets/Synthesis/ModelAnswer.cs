using System.Text.Json.Serialization;

namespace Pipeline.Datasets.Synthesis;

/// <summary>A language model's answer as it was bought; kept, so that it is never bought twice.</summary>
public sealed record ModelAnswer
{
    /// <summary>Hash of what was asked: deployment, seed, temperature, messages, form of the answer.</summary>
    public required string Key { get; init; }

    /// <summary>How it ended.</summary>
    public required AnswerFinish Finish { get; init; }

    /// <summary>The text, as it came.</summary>
    public required string Text { get; init; }

    /// <summary>Ids of the rows whose texts stood in what was asked.</summary>
    public IReadOnlyList<string> Parents { get; init; } = [];

    /// <summary>Tokens of the prompt.</summary>
    public required long TokensIn { get; init; }

    /// <summary>Tokens of the answer.</summary>
    public required long TokensOut { get; init; }
}

/// <summary>How a language model's answer ended.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<AnswerFinish>))]
public enum AnswerFinish
{
    /// <summary>By itself.</summary>
    [JsonStringEnumMemberName("stop")]
    Stop,

    /// <summary>It was cut off.</summary>
    [JsonStringEnumMemberName("length")]
    Length,

    /// <summary>The content filter withheld it.</summary>
    [JsonStringEnumMemberName("content_filter")]
    Filtered,
}

/// <summary>Where bought answers are kept.</summary>
public interface IResponseCache
{
    /// <summary>The answer of a key; <c>null</c>: it was not bought yet.</summary>
    Task<ModelAnswer?> FindAsync(string key, CancellationToken cancellation);

    /// <summary>Keeps an answer; it is safe when this returns.</summary>
    /// <returns>The answer that is kept: the first one, should two have been bought at a time.</returns>
    Task<ModelAnswer> KeepAsync(ModelAnswer answer, CancellationToken cancellation);
}

/// <summary>A call to a language model that failed.</summary>
/// <param name="message">For people.</param>
/// <param name="kind">What follows from it.</param>
/// <param name="inner">The client's fault.</param>
public sealed class ModelCallException(string message, ModelCallFault kind, Exception inner) : Exception(message, inner)
{
    /// <summary>What follows from it.</summary>
    public ModelCallFault Kind { get; } = kind;
}

/// <summary>What follows from a failed call.</summary>
public enum ModelCallFault
{
    /// <summary>The service did not answer, also after several tries; it may later.</summary>
    Away,

    /// <summary>The content filter refused the prompt: this call gives nothing, the next one may.</summary>
    Refused,

    /// <summary>Key, endpoint or deployment are wrong: no call can succeed.</summary>
    Misconfigured,
}
