using System.ComponentModel;
using System.Text.Json.Serialization;

namespace Pipeline.Contracts;

/// <summary>The optimizer.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<OptimizerKind>))]
public enum OptimizerKind
{
    [JsonStringEnumMemberName("adamw")]
    [Description("AdamW with moments in float32, as torch computes it")]
    AdamW,

    [JsonStringEnumMemberName("adamw8bit")]
    [Description("AdamW with moments in 8 bits, as bitsandbytes has them: two bytes a trained weight, not eight")]
    AdamW8Bit,
}
