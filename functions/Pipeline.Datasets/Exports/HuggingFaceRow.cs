using System.Text.Json.Serialization;
using Pipeline.Contracts;

namespace Pipeline.Datasets.Exports;

/// <summary>A row of the parquet files, under the names that others expect.</summary>
public sealed class HuggingFaceRow
{
    [JsonPropertyName("id")]
    public string? Id { get; set; }

    [JsonPropertyName("messages")]
    public List<HuggingFaceMessage>? Messages { get; set; }

    [JsonPropertyName("label")]
    public string? Label { get; set; }

    [JsonPropertyName("source_file")]
    public string? SourceFile { get; set; }

    [JsonPropertyName("source_row")]
    public int SourceRow { get; set; }

    [JsonPropertyName("generator")]
    public string? Generator { get; set; }

    internal static HuggingFaceRow From(Example example) =>
        new()
        {
            Id = example.Id,
            Messages = [.. example.Messages.Select(m => HuggingFaceMessage.From(m))],
            Label = example.Label,
            SourceFile = example.Source.File,
            SourceRow = example.Source.Row,
            Generator = example.Synthetic?.Generator,
        };
}

/// <summary>A message of a row.</summary>
public sealed class HuggingFaceMessage
{
    [JsonPropertyName("role")]
    public string? Role { get; set; }

    [JsonPropertyName("content")]
    public string? Content { get; set; }

    /// <summary>0: an answer that is context and not learned from; <c>null</c>: any other.</summary>
    [JsonPropertyName("weight")]
    public int? Weight { get; set; }

    internal static HuggingFaceMessage From(ChatMessage message) =>
        new()
        {
            Role = message.Role.Name(),
            Content = message.Content,
            Weight = message.Weight,
        };
}
