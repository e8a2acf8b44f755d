using System.ComponentModel;
using System.Text.Json.Serialization;

namespace Pipeline.Contracts;

/// <summary>What a check found.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<AuditLevel>))]
public enum AuditLevel
{
    [JsonStringEnumMemberName("ok")]
    [Description("nothing to do")]
    Ok,

    [JsonStringEnumMemberName("warning")]
    [Description("worth a look; training starts all the same")]
    Warning,

    [JsonStringEnumMemberName("red")]
    [Description("training does not start")]
    Red,
}
