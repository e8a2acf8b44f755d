using System.ComponentModel;
using System.Text.Json.Serialization;

namespace Pipeline.Contracts;

/// <summary>
/// What of a forward pass on a GPU is saved for the backward pass; the rest is computed again. More is faster and takes
/// more memory, in the order of the members. Changes no number.
/// </summary>
[JsonConverter(typeof(JsonStringEnumConverter<ActivationCheckpointing>))]
public enum ActivationCheckpointing
{
    [JsonStringEnumMemberName("offload")]
    [Description("each layer's input, in host memory; embeddings that are not the head stay there too")]
    Offload,

    [JsonStringEnumMemberName("full")]
    [Description("each layer's input")]
    Full,

    [JsonStringEnumMemberName("selective")]
    [Description("the outputs of matrix products and attention; norms, gates and masks are computed again")]
    Selective,

    [JsonStringEnumMemberName("none")]
    [Description("also the outputs of the norms")]
    None,

    [JsonStringEnumMemberName("auto")]
    [Description("the fastest of these that fits")]
    Auto,
}

/// <summary>The choices that a training can run with: all but <see cref="ActivationCheckpointing.Auto"/>.</summary>
public static class ActivationCheckpointingLevels
{
    /// <summary>From the least memory to the most.</summary>
    public static IReadOnlyList<ActivationCheckpointing> All { get; } =
    [
        ActivationCheckpointing.Offload,
        ActivationCheckpointing.Full,
        ActivationCheckpointing.Selective,
        ActivationCheckpointing.None,
    ];
}
