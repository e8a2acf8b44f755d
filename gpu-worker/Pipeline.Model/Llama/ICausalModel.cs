using Pipeline.Model.Checkpoints;
using static TorchSharp.torch;

namespace Pipeline.Model.Llama;

/// <summary>A model for inference: what evaluation and generation need of one, wherever it is computed.</summary>
public interface ICausalModel
{
    /// <summary>The model's shape.</summary>
    LlamaConfig Config { get; }

    /// <summary>Tokens, prompts and answers of all rows, that its memory takes at a time.</summary>
    long MaxTokens { get; }

    /// <summary>Runs the decoder.</summary>
    /// <param name="ids">int64 [batch, n], on any device.</param>
    /// <returns>[batch, n, hidden], after the last norm, on the model's device.</returns>
    Tensor Forward(Tensor ids);

    /// <summary>Runs the decoder over what follows a cache.</summary>
    /// <param name="ids">int64 [batch, n], on any device.</param>
    /// <param name="positions">int64 [batch or 1, n], on the CPU: the position of each token.</param>
    /// <param name="mask">bool [batch or 1, 1, n, held + n], on any device, true where seen; <c>null</c>: all that is
    /// held, or with an empty cache, causal.</param>
    /// <param name="cache">Earlier keys and values.</param>
    /// <param name="keep">Whether this pass is added to the cache.</param>
    /// <returns>[batch, n, hidden], after the last norm, on the model's device.</returns>
    /// <exception cref="ArgumentException">Several tokens with a cache without a mask.</exception>
    Tensor Forward(Tensor ids, Tensor positions, Tensor? mask, KeyValueCache cache, bool keep);

    /// <summary>Next-token logits.</summary>
    /// <param name="hidden">[..., hidden], as <c>Forward</c> gave it.</param>
    /// <returns>float32 [..., vocabulary], on the model's device.</returns>
    Tensor Logits(Tensor hidden);
}
