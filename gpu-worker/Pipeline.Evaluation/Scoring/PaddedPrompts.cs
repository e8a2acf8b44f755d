using Pipeline.Model.Llama;
using static TorchSharp.torch;

namespace Pipeline.Evaluation.Scoring;

/// <summary>Prompts side by side, padded after to the longest; padding is read and seen by none.</summary>
internal static class PaddedPrompts
{
    /// <summary>Reads them into a cache.</summary>
    /// <param name="model">With or without its adapter.</param>
    /// <param name="prompts">Token ids of each, at least one.</param>
    /// <param name="longest">Tokens of the longest.</param>
    /// <param name="cache">Gets all keys and values, those of the padding too.</param>
    /// <returns>[rows, hidden]: what stands after each prompt's last token.</returns>
    public static Tensor Read(
        ICausalModel model,
        IReadOnlyList<IReadOnlyList<int>> prompts,
        int longest,
        KeyValueCache cache
    )
    {
        Tensor ids = tensor(
            [.. prompts.SelectMany(p => p.Concat(Enumerable.Repeat(0, longest - p.Count))).Select(i => (long)i)],
            [prompts.Count, longest]
        );
        Tensor hidden = model.Forward(
            ids,
            arange(longest, dtype: ScalarType.Int64).unsqueeze(0),
            mask: null,
            cache,
            keep: true
        ); // [rows, longest, hidden]
        Tensor last = tensor(
            [.. prompts.Select((p, row) => (row * (long)longest) + p.Count - 1)],
            device: hidden.device
        );
        return hidden.reshape(-1, hidden.shape[2]).index_select(0, last);
    }
}
