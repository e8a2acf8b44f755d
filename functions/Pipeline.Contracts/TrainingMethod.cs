using System.ComponentModel;
using System.Text.Json.Serialization;

namespace Pipeline.Contracts;

/// <summary>What is trained.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<TrainingMethod>))]
public enum TrainingMethod
{
    [JsonStringEnumMemberName("qlora")]
    [Description("LoRA on a base in NF4 with double quantization")]
    Qlora,

    [JsonStringEnumMemberName("lora")]
    [Description("LoRA on the base as it is")]
    Lora,

    [JsonStringEnumMemberName("full")]
    [Description("every weight of a small base, in float32, published as a model of its own")]
    Full,
}
