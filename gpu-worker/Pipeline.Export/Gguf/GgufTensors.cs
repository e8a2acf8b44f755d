using Pipeline.Model.Checkpoints;
using static TorchSharp.torch;

namespace Pipeline.Export.Gguf;

/// <summary>
/// A model's tensors under llama.cpp's names and in its order of rows. Source: llama.cpp,
/// <c>gguf-py/gguf/tensor_mapping.py</c> and <c>convert_hf_to_gguf.py</c> (LlamaModel.permute).
/// </summary>
/// <param name="reader">The weights, which stay the caller's.</param>
/// <param name="config">Their shape.</param>
/// <param name="numbers">Numbers of matrices; vectors are float32.</param>
/// <param name="feedForward">Width of the feed-forward in the file; what is beyond the model's is 0, which changes no
/// answer.</param>
internal sealed class GgufTensors(CheckpointReader reader, LlamaConfig config, GgufNumbers numbers, int feedForward)
{
    private static readonly (string Name, string GgufName)[] Norms =
    [
        ("input_layernorm", "attn_norm"),
        ("post_attention_layernorm", "ffn_norm"),
    ];

    /// <summary>The tensors, in the order of the model.</summary>
    public IEnumerable<GgufTensor> All()
    {
        long hidden = config.HiddenSize;
        yield return Plain("token_embd.weight", "model.embed_tokens.weight", config.VocabularySize, hidden);
        if (config.RopeScaling is { } scaling)
        {
            float[] factors = RopeFactors(config, scaling);
            yield return new GgufTensor("rope_freqs.weight", GgufNumbers.F32, [factors.Length], () => tensor(factors));
        }

        foreach (int layer in Enumerable.Range(0, config.Layers))
        {
            foreach (GgufTensor tensor in Layer($"model.layers.{layer}.", $"blk.{layer}."))
            {
                yield return tensor;
            }
        }

        yield return Plain("output_norm.weight", "model.norm.weight", hidden);
        if (!config.TiedEmbeddings)
        {
            yield return Plain("output.weight", "lm_head.weight", config.VocabularySize, hidden);
        }
    }

    private IEnumerable<GgufTensor> Layer(string from, string to)
    {
        foreach ((string name, string ggufName) in Norms)
        {
            yield return Plain($"{to}{ggufName}.weight", $"{from}{name}.weight", config.HiddenSize);
        }

        foreach (Projection projection in Projections())
        {
            (string name, string ggufName, long rows, long columns) = projection;
            yield return Widened(
                new GgufTensor(
                    $"{to}{ggufName}.weight",
                    numbers,
                    [rows, columns],
                    () => Reordered(reader.Read($"{from}{name}.weight", rows, columns), projection.Heads)
                )
            );
            if (projection.HasBias)
            {
                yield return new GgufTensor(
                    $"{to}{ggufName}.bias",
                    GgufNumbers.F32,
                    [rows],
                    () => Reordered(reader.Read($"{from}{name}.bias", rows), projection.Heads)
                );
            }
        }
    }

    private IEnumerable<Projection> Projections()
    {
        long hidden = config.HiddenSize;
        long queries = (long)config.Heads * config.HeadSize;
        long keys = (long)config.KeyValueHeads * config.HeadSize;
        // llama.cpp turns neighbours of a head for Llama and Mistral, halves for Qwen2, as transformers does for all
        bool turnsNeighbours = config.Architecture != LlamaConfig.Qwen2;
        yield return new("self_attn.q_proj", "attn_q", queries, hidden)
        {
            Heads = turnsNeighbours ? config.Heads : 0,
            HasBias = config.AttentionBias,
        };
        yield return new("self_attn.k_proj", "attn_k", keys, hidden)
        {
            Heads = turnsNeighbours ? config.KeyValueHeads : 0,
            HasBias = config.AttentionBias,
        };
        yield return new("self_attn.v_proj", "attn_v", keys, hidden) { HasBias = config.AttentionBias };
        yield return new("self_attn.o_proj", "attn_output", hidden, queries);
        yield return new("mlp.gate_proj", "ffn_gate", config.IntermediateSize, hidden);
        yield return new("mlp.up_proj", "ffn_up", config.IntermediateSize, hidden);
        yield return new("mlp.down_proj", "ffn_down", hidden, config.IntermediateSize);
    }

    private GgufTensor Plain(string ggufName, string name, params long[] shape) =>
        new(ggufName, shape.Length == 1 ? GgufNumbers.F32 : numbers, shape, () => reader.Read(name, shape));

    private GgufTensor Widened(GgufTensor tensor)
    {
        (long rows, long columns) = (tensor.Shape[0], tensor.Shape[1]);
        (long allRows, long allColumns) =
            tensor.Name.EndsWith(".ffn_down.weight", StringComparison.Ordinal) ? (rows, feedForward)
            : tensor.Name.Contains(".ffn_", StringComparison.Ordinal) ? (feedForward, columns)
            : (rows, columns);
        return (allRows, allColumns) == (rows, columns)
            ? tensor
            : tensor with
            {
                Shape = [allRows, allColumns],
                Make = () => nn.functional.pad(tensor.Make(), [0, allColumns - columns, 0, allRows - rows]),
            };
    }

    /// <summary>
    /// Rows in the order in which llama.cpp turns them: with head size D, row <c>h·D + p·D/2 + i</c> goes to
    /// <c>h·D + 2i + p</c>.
    /// </summary>
    /// <param name="rows">[heads · D, …].</param>
    /// <param name="heads">Heads; 0: the order stays.</param>
    private Tensor Reordered(Tensor rows, int heads) =>
        heads == 0
            ? rows
            : rows.view([heads, 2, config.HeadSize / 2, .. rows.shape[1..]]).transpose(1, 2).reshape(rows.shape);

    /// <summary>
    /// By what each frequency is divided, [D/2]. Source: transformers <c>modeling_rope_utils.py</c>
    /// (_compute_llama3_parameters).
    /// </summary>
    private static float[] RopeFactors(LlamaConfig config, RopeScaling scaling)
    {
        var factors = new float[config.HeadSize / 2];
        for (int i = 0; i < factors.Length; i++)
        {
            double wavelength = 2 * Math.PI * Math.Pow(config.RopeTheta, 2.0 * i / config.HeadSize);
            double smooth =
                ((scaling.OriginalPositions / wavelength) - scaling.LowFrequencyFactor)
                / (scaling.HighFrequencyFactor - scaling.LowFrequencyFactor);
            double kept = Math.Clamp(smooth, 0, 1); // 0: divided as a whole, 1: as it is
            factors[i] = (float)(1 / (((1 - kept) / scaling.Factor) + kept));
        }

        return factors;
    }

    /// <param name="Name">Name in transformers.</param>
    /// <param name="GgufName">Name in llama.cpp.</param>
    /// <param name="Rows">Outputs.</param>
    /// <param name="Columns">Inputs.</param>
    private sealed record Projection(string Name, string GgufName, long Rows, long Columns)
    {
        /// <summary>Heads whose rows are reordered; 0: none.</summary>
        public int Heads { get; init; }
        public bool HasBias { get; init; }
    }
}
