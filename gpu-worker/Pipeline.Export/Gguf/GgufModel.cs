using Pipeline.Model.Checkpoints;
using Pipeline.Tokenization;

namespace Pipeline.Export.Gguf;

/// <summary>
/// A model's folder as one GGUF file, as llama.cpp reads it. Source of the keys: llama.cpp,
/// <c>gguf-py/gguf/constants.py</c>.
/// </summary>
public static class GgufModel
{
    /// <summary>Writes the file.</summary>
    /// <param name="directory">A model in float32, float16 or bfloat16, with its tokenizer.json.</param>
    /// <param name="encoder">The one encoder of training and evaluation.</param>
    /// <param name="name">The model's name for people.</param>
    /// <param name="numbers">Numbers of matrices; vectors are float32.</param>
    /// <param name="path">The file; its folder exists.</param>
    /// <param name="blockSize">The width of the feed-forward is padded with zeros, which change no answer, to a
    /// multiple of this; 1: it is not.</param>
    /// <exception cref="Pipeline.Model.ModelException">The folder holds no model that is computed here.</exception>
    /// <exception cref="InvalidDataException">It cannot be written; the reason is named.</exception>
    public static void Write(
        string directory,
        ChatEncoder encoder,
        string name,
        GgufNumbers numbers,
        string path,
        int blockSize = 1
    )
    {
        ArgumentNullException.ThrowIfNull(encoder);
        LlamaConfig config = LlamaConfig.FromDirectory(directory);
        if (config.Quantized)
        {
            throw new InvalidDataException(
                $"'{directory}' holds NF4 codes, which llama.cpp does not read: merge it first, which dequantises it."
            );
        }

        var vocabulary = GgufVocabulary.Read(directory, config.VocabularySize);
        int feedForward = (config.IntermediateSize + blockSize - 1) / blockSize * blockSize;
        using var reader = CheckpointReader.Open(directory);
        GgufWriter.Write(
            path,
            [
                .. Metadata(config with { IntermediateSize = feedForward }, name, numbers),
                .. vocabulary.Metadata(),
                .. Tokens(encoder, directory),
            ],
            [.. new GgufTensors(reader, config, numbers, feedForward).All()]
        );
    }

    /// <summary>
    /// The longest sequence that llama.cpp computes as this model does: it knows no attention window of Mistral or
    /// Qwen2.
    /// </summary>
    public static int Positions(LlamaConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return Math.Min(config.MaxPositions, config.SlidingWindow ?? int.MaxValue);
    }

    private static IEnumerable<KeyValuePair<string, object>> Metadata(
        LlamaConfig config,
        string name,
        GgufNumbers numbers
    )
    {
        string architecture = config.Architecture == LlamaConfig.Qwen2 ? "qwen2" : "llama";
        KeyValuePair<string, object> Number(string key, long value) => new($"{architecture}.{key}", (uint)value);
        KeyValuePair<string, object> Real(string key, double value) => new($"{architecture}.{key}", (float)value);
        yield return new("general.architecture", architecture);
        yield return new("general.type", "model");
        yield return new("general.name", name);
        yield return new(
            "general.file_type",
            numbers switch
            {
                GgufNumbers.F16 => 1u,
                GgufNumbers.BF16 => 32u,
                _ => 0u,
            }
        );
        yield return Number("vocab_size", config.VocabularySize);
        yield return Number("context_length", Positions(config));
        yield return Number("embedding_length", config.HiddenSize);
        yield return Number("block_count", config.Layers);
        yield return Number("feed_forward_length", config.IntermediateSize);
        yield return Number("attention.head_count", config.Heads);
        yield return Number("attention.head_count_kv", config.KeyValueHeads);
        yield return Number("attention.key_length", config.HeadSize);
        yield return Number("attention.value_length", config.HeadSize);
        yield return Real("attention.layer_norm_rms_epsilon", config.RmsNormEpsilon);
        yield return Number("rope.dimension_count", config.HeadSize);
        yield return Real("rope.freq_base", config.RopeTheta);
    }

    private static IEnumerable<KeyValuePair<string, object>> Tokens(ChatEncoder encoder, string directory)
    {
        IReadOnlyDictionary<string, int> controls = encoder.Tokenizer.Controls;
        if (encoder.Template.BeginToken is { } begin)
        {
            yield return new("tokenizer.ggml.bos_token_id", (uint)controls[begin]);
        }

        yield return new("tokenizer.ggml.eos_token_id", (uint)encoder.EndId);
        if (controls.TryGetValue("<unk>", out int unknown))
        {
            yield return new("tokenizer.ggml.unknown_token_id", (uint)unknown);
        }

        yield return new("tokenizer.ggml.add_bos_token", encoder.Template.BeginToken is not null);
        yield return new("tokenizer.ggml.add_eos_token", false);
        if (ChatTemplateText.For(encoder.Template, directory) is { } text)
        {
            yield return new("tokenizer.chat_template", text);
        }
    }
}
