using System.ComponentModel;
using System.Text.Json.Serialization;

namespace Pipeline.Contracts;

/// <summary>Where a run stands.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RunState>))]
public enum RunState
{
    [JsonStringEnumMemberName("running")]
    [Description("an orchestration works on it")]
    Running,

    [JsonStringEnumMemberName("completed")]
    [Description("its adapter is published")]
    Completed,

    [JsonStringEnumMemberName("failed")]
    [Description("it ended with an error; it can be resumed")]
    Failed,

    [JsonStringEnumMemberName("cancelled")]
    [Description("a person ended it; it can be resumed")]
    Cancelled,

    [JsonStringEnumMemberName("needs-settings")]
    [Description("the data can be read in several ways; it goes on when the project's settings say in which")]
    NeedsSettings,

    [JsonStringEnumMemberName("needs-labels")]
    [Description("its texts have no answers yet; it goes on when people have given enough in the review queue")]
    NeedsLabels,

    [JsonStringEnumMemberName("interrupted")]
    [Description("noted as running, but no orchestration works on it any more; it can be resumed")]
    Interrupted,
}
