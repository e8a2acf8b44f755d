using System.ComponentModel;
using System.Text.Json.Serialization;

namespace Pipeline.Contracts;

/// <summary>What happens to personal data in texts.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<PrivacyMode>))]
public enum PrivacyMode
{
    [JsonStringEnumMemberName("keep")]
    [Description("it stays")]
    Keep,

    [JsonStringEnumMemberName("mask")]
    [Description("its type in its place, such as `<EMAIL_ADDRESS>`")]
    Mask,

    [JsonStringEnumMemberName("surrogate")]
    [Description("an invented value of the same kind, the same for the same value within a project")]
    Surrogate,
}
