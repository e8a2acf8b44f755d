using System.ComponentModel;
using System.Text.Json.Serialization;

namespace Pipeline.Contracts;

/// <summary>Who says a message.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<MessageRole>))]
public enum MessageRole
{
    [JsonStringEnumMemberName("system")]
    [Description("the system text, first only")]
    System,

    [JsonStringEnumMemberName("user")]
    [Description("the question")]
    User,

    [JsonStringEnumMemberName("assistant")]
    [Description("the answer")]
    Assistant,

    [JsonStringEnumMemberName("document")]
    [Description("nobody: a plain text")]
    Document,

    [JsonStringEnumMemberName("excerpt")]
    [Description("nobody: a piece of a plain text that goes on elsewhere")]
    Excerpt,
}
