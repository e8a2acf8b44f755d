using System.ComponentModel;
using System.Text.Json.Serialization;

namespace Pipeline.Contracts;

/// <summary>How a row ended that did not become an example.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RejectionOutcome>))]
public enum RejectionOutcome
{
    [JsonStringEnumMemberName("rejected")]
    [Description("nothing can be learned from it as it is")]
    Rejected,

    [JsonStringEnumMemberName("duplicate")]
    [Description("another row says the same")]
    Duplicate,
}
