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

/// <summary>What follows from what started a run.</summary>
public static class RunTriggers
{
    /// <summary>Whether corrections have started it.</summary>
    public static bool IsRetraining(this RunTrigger trigger) => trigger is RunTrigger.Feedback or RunTrigger.Timer;
}
