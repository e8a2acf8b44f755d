using System.ComponentModel;
using System.Text.Json.Serialization;

namespace Pipeline.Contracts;

/// <summary>What started a run.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RunTrigger>))]
public enum RunTrigger
{
    [JsonStringEnumMemberName("drop")]
    [Description("a file was dropped")]
    Drop,

    [JsonStringEnumMemberName("http")]
    [Description("an HTTP call")]
    Http,

    [JsonStringEnumMemberName("feedback")]
    [Description("enough corrections")]
    Feedback,

    [JsonStringEnumMemberName("timer")]
    [Description("the retraining schedule")]
    Timer,
}
