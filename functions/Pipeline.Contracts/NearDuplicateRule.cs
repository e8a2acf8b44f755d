using System.ComponentModel;
using System.Text.Json.Serialization;

namespace Pipeline.Contracts;

/// <summary>What happens to rows that are nearly the same.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<NearDuplicateRule>))]
public enum NearDuplicateRule
{
    [JsonStringEnumMemberName("group")]
    [Description("they stay, all on one side of the split")]
    Group,

    [JsonStringEnumMemberName("drop")]
    [Description("only the first stays")]
    Drop,
}
