namespace Pipeline.Model.Lora;

/// <summary>
/// Linear layers of a decoder layer that read the same input: queries, keys and values; the output; gate and up; down.
/// Their A lie one below the other in the adapter's buffer, so that one product serves all, and dropout is drawn once
/// for the input.
/// </summary>
public static class LoraGroups
{
    /// <summary>Groups a layer.</summary>
    public const int PerLayer = 4;

    /// <summary>The number of a linear layer's group among the model's.</summary>
    /// <param name="path">Such as <c>model.layers.3.self_attn.k_proj</c>.</param>
    public static int NumberOf(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        string[] parts = path.Split('.');
        int layer = int.Parse(parts[^3], System.Globalization.CultureInfo.InvariantCulture);
        return (layer * PerLayer)
            + parts[^1] switch
            {
                "q_proj" or "k_proj" or "v_proj" => 0,
                "o_proj" => 1,
                "gate_proj" or "up_proj" => 2,
                _ => 3,
            };
    }
}
