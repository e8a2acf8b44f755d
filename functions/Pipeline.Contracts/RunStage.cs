using System.ComponentModel;
using System.Text.Json.Serialization;

namespace Pipeline.Contracts;

/// <summary>A stage of a run, in its row and in its worker's progress.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RunStage>))]
public enum RunStage
{
    [JsonStringEnumMemberName("dataset")]
    [Description("the dataset is built")]
    Dataset,

    [JsonStringEnumMemberName("load")]
    [Description("the worker loads the base")]
    Load,

    [JsonStringEnumMemberName("evaluate-base")]
    [Description("the base is evaluated")]
    EvaluateBase,

    [JsonStringEnumMemberName("train")]
    [Description("the adapter is trained")]
    Train,

    [JsonStringEnumMemberName("evaluate-tuned")]
    [Description("the tuned model is evaluated")]
    EvaluateTuned,

    [JsonStringEnumMemberName("publish")]
    [Description("the adapter is written and published")]
    Publish,

    [JsonStringEnumMemberName("done")]
    [Description("the adapter is published")]
    Done,
}
