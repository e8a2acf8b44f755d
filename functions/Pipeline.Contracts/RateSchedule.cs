using System.ComponentModel;
using System.Text.Json.Serialization;

namespace Pipeline.Contracts;

/// <summary>The learning rate after the warm-up.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RateSchedule>))]
public enum RateSchedule
{
    [JsonStringEnumMemberName("cosine")]
    [Description("falls to 0 along a half cosine")]
    Cosine,

    [JsonStringEnumMemberName("linear")]
    [Description("falls to 0 along a line")]
    Linear,

    [JsonStringEnumMemberName("constant")]
    [Description("stays at its peak")]
    Constant,
}
