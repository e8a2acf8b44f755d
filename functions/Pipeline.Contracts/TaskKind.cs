using System.ComponentModel;
using System.Text.Json.Serialization;

namespace Pipeline.Contracts;

/// <summary>What a model is to learn, and how it is measured.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<TaskKind>))]
public enum TaskKind
{
    [JsonStringEnumMemberName("classification")]
    [Description("one of some labels")]
    Classification,

    [JsonStringEnumMemberName("extraction")]
    [Description("a JSON object of the values in a text")]
    Extraction,

    [JsonStringEnumMemberName("deidentification")]
    [Description("the text with entities masked")]
    Deidentification,

    [JsonStringEnumMemberName("instruction")]
    [Description("a free answer to an instruction")]
    Instruction,

    [JsonStringEnumMemberName("chat")]
    [Description("the answers of a dialogue")]
    Chat,

    [JsonStringEnumMemberName("text")]
    [Description("plain texts, every token of them (continued pre-training)")]
    Text,
}
