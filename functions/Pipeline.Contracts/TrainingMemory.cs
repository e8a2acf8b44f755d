namespace Pipeline.Contracts;

/// <summary>
/// What a training takes of a machine's memory, estimated before it starts from the shapes of what is held; checked
/// against the resident memory of real runs (gpu-worker/EXPERIMENTS.md).
/// </summary>
/// <param name="WeightBytes">The base.</param>
/// <param name="TrainedBytes">What is trained, its gradients and the optimizer's state.</param>
/// <param name="ActivationBytes">What is saved in the forward pass for the backward pass, of the largest
/// micro-batch.</param>
/// <param name="WorkBytes">Buffers, logits, program and libraries.</param>
/// <param name="AskingBytes">All that is held while base and tuned model are asked the held-out rows; training holds
/// none of it.</param>
public sealed record TrainingMemory(
    long WeightBytes,
    long TrainedBytes,
    long ActivationBytes,
    long WorkBytes,
    long AskingBytes
)
{
    /// <summary>
    /// Layers' results on the CPU are kept up to one part in this many of the machine's memory; above, each layer is
    /// computed again.
    /// </summary>
    public const int KeptShare = 4;

    /// <summary>Bytes of dequantised layers that the CPU keeps beside their codes, at most.</summary>
    public const long MaxDequantizedKept = 2L << 30;

    /// <summary>
    /// Bytes a number in NF4 takes with double quantisation: a half, an absmax code a 64, a float a 256 of those.
    /// </summary>
    public const double Nf4Bytes = 0.5 + (1.0 / 64) + (4.0 / (64 * 256));

    /// <summary>Numbers of the largest tensor of logits on a GPU.</summary>
    public const long GpuLogits = 1L << 26;

    // runtime, libtorch, allocators' arenas: what small runs take beside the rest
    private const long Program = 420L << 20;
    private const int InferenceRows = 32;
    private const int InputsOnTheWay = 3; // read, fetched and written at a time
    private const long GpuProgram = 560L << 20; // CUDA's context and the libraries' workspaces
    private const int GpuSlack = 32; // one part in so many is lost between the allocator's segments
    private const long InferenceLogits = 128L << 20;
    private const long LogitsTogether = 1 << 20;
    private const int TokensAChunk = 1024;
    private const long CachedWeight = 1 << 19;

    /// <summary>The most that is held at a time: while training, or while asking.</summary>
    public long TotalBytes => Math.Max(WeightBytes + TrainedBytes + ActivationBytes + WorkBytes, AskingBytes);

    /// <summary>
    /// Training on the CPU, in float32. Full training and DoRA go by autograd, which keeps more: estimated with what it
    /// keeps.
    /// </summary>
    /// <param name="shape">The base's.</param>
    /// <param name="training">Method, rank, optimizer.</param>
    /// <param name="rows">Rows of the largest micro-batch.</param>
    /// <param name="longest">Tokens of its longest row.</param>
    /// <param name="tokens">Its tokens.</param>
    /// <param name="machineBytes">Memory of the machine.</param>
    public static TrainingMemory OnCpu(
        BaseShape shape,
        TrainingSettings training,
        int rows,
        int longest,
        long tokens,
        long machineBytes
    )
    {
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentNullException.ThrowIfNull(training);
        long linear = shape.Layers * shape.LinearParametersPerLayer;
        bool full = training.Method == TrainingMethod.Full;
        long weights =
            (4 * shape.Others)
            + (
                training.Method != TrainingMethod.Qlora
                    ? 4 * linear
                    : (long)(Nf4Bytes * linear)
                        + (4 * linear <= MaxDequantizedKept ? 4 * linear : 4 * shape.LinearParametersPerLayer)
            );
        long trained =
            shape.Trained(training)
            * (
                (full ? 4 : 8)
                + (training.Optimizer == OptimizerKind.AdamW8Bit ? 2 : 8)
                + (training.KeepBest || training.EarlyStopping is not null ? 4 : 0)
            );
        long slots = (long)rows * longest;
        long kept = LayerBytes(shape, tokens, slots) * 9 / 8; // buffers are taken an eighth larger than asked for
        bool byHand = !full && !training.Dora;
        long hidden = 4 * tokens * shape.Hidden * (shape.Layers + 1);
        long activations = byHand
            ? hidden + (kept * shape.Layers <= machineBytes / KeptShare ? kept * shape.Layers : kept)
            : hidden + (shape.Layers * (LayerBytes(shape, slots, slots) + (4 * slots * Recorded(shape, training))));
        long chunk = (long)shape.Hidden * shape.Inner <= CachedWeight ? Math.Min(TokensAChunk, tokens) : tokens;
        long logits = byHand
            ? 4 * Math.Max(16 * (long)shape.Vocabulary, LogitsTogether)
            : 3 * 4 * slots * shape.Vocabulary;
        long work =
            Program
            + logits
            + (4 * chunk * ((3L * shape.Inner) + (2L * shape.Hidden)))
            + (4 * tokens * 5L * shape.Hidden);
        return new TrainingMemory(weights, trained, activations, work, Inference(shape, training, weights, longest));
    }

    /// <summary>QLoRA or LoRA on a GPU by its kernels.</summary>
    /// <param name="shape">The base's.</param>
    /// <param name="training">Method, rank, optimizer.</param>
    /// <param name="tokens">Tokens of the largest micro-batch, padding of attention included.</param>
    /// <param name="memory">What is kept.</param>
    /// <param name="number">Bytes of a number: 2 in bfloat16, 4 in float32 where the GPU has none.</param>
    public static TrainingMemory OnGpu(
        BaseShape shape,
        TrainingSettings training,
        long tokens,
        ActivationCheckpointing memory,
        int number = 2
    )
    {
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentNullException.ThrowIfNull(training);
        long linear = shape.Layers * shape.LinearParametersPerLayer,
            queries = (long)shape.Heads * shape.HeadSize,
            keys = (long)shape.KeyValueHeads * shape.HeadSize;
        bool coded = training.Method == TrainingMethod.Qlora;
        long largestGroup = Math.Max(
            shape.Hidden * Math.Max(2L * shape.Inner, queries + (2 * keys)),
            queries * shape.Hidden
        );
        long embeddings =
            // that stay on the host
            memory == ActivationCheckpointing.Offload
            && !shape.TiedEmbeddings
                ? (long)shape.Vocabulary * shape.Hidden
                : 0;
        long weights =
            (number * (shape.Others - embeddings))
            + (coded ? (long)(Nf4Bytes * linear) + (number * largestGroup) : number * linear);
        long trained =
            shape.Trained(training)
            * (
                4
                + number
                + number
                + (training.GradientAccumulation > 1 ? 4 : 0)
                + (training.Optimizer == OptimizerKind.AdamW8Bit ? 2 : 8)
            ); // values, copies, gradients, their sums, moments

        long activations = SavedOnGpu(shape, training, tokens, memory, number);
        // of the layer that is computed, and of norm and loss after the last
        long passing = number * tokens * ((3L * shape.Inner) + (8L * shape.Hidden));
        long work = GpuProgram + passing + (number * Math.Min(GpuLogits, tokens * shape.Vocabulary));
        return new TrainingMemory(
            weights,
            trained,
            activations,
            work + ((weights + trained + activations + work) / GpuSlack),
            0
        );
    }

    /// <summary>Bytes of the activations that a forward pass on a GPU saves.</summary>
    private static long SavedOnGpu(
        BaseShape shape,
        TrainingSettings training,
        long tokens,
        ActivationCheckpointing memory,
        int number
    )
    {
        long queries = (long)shape.Heads * shape.HeadSize,
            keys = (long)shape.KeyValueHeads * shape.HeadSize;
        long repeated = shape.KeyValueHeads < shape.Heads ? 2 * queries : 0;
        long numbers =
            queries + (2 * keys) + repeated + queries + shape.Hidden + (2L * shape.Inner) + (7L * training.R);
        long layer =
            tokens
            * (
                (number * (numbers + (memory == ActivationCheckpointing.None ? 2L * shape.Hidden : 0)))
                + (4L * (shape.Heads + 2))
            );
        long inputs =
            number
            * tokens
            * shape.Hidden
            * (
                memory == ActivationCheckpointing.Offload
                    ? Math.Min(InputsOnTheWay, shape.Layers + 1)
                    : shape.Layers + 1
            );
        return inputs + (layer * (memory <= ActivationCheckpointing.Full ? 1 : shape.Layers));
    }

    /// <summary>The fastest way that fits into a GPU's memory; <c>null</c>: none does.</summary>
    /// <param name="shape">The base's.</param>
    /// <param name="training">Method, rank, optimizer.</param>
    /// <param name="tokens">Tokens of the largest micro-batch.</param>
    /// <param name="freeBytes">Memory that is free.</param>
    /// <param name="number">Bytes of a number.</param>
    public static ActivationCheckpointing? FastestThatFits(
        BaseShape shape,
        TrainingSettings training,
        long tokens,
        long freeBytes,
        int number = 2
    ) =>
        ActivationCheckpointingLevels
            .All.Reverse()
            .Select(m => (ActivationCheckpointing?)m)
            .FirstOrDefault(m => OnGpu(shape, training, tokens, m!.Value, number).TotalBytes <= freeBytes);

    /// <summary>
    /// Numbers a token that autograd keeps of a layer beside what the derivative by hand keeps: of an adapter its
    /// masked inputs, directions, updates and their sums.
    /// </summary>
    private static long Recorded(BaseShape shape, TrainingSettings training) =>
        training.Method == TrainingMethod.Full
            ? (2L * shape.Inner) + (4L * shape.Hidden)
            : shape.Linears.Sum(l => (2 * l.In) + (6 * l.Out));

    /// <summary>
    /// Many prompts at a time, layer after layer, with keys and values of all layers and the scores of one layer's
    /// attention.
    /// </summary>
    private static long Inference(BaseShape shape, TrainingSettings training, long weights, int longest)
    {
        long slots = InferenceRows * (long)longest;
        long folded =
            4 * shape.Layers * shape.LinearParametersPerLayer <= MaxDequantizedKept
            || training.Method == TrainingMethod.Lora
                ? 4 * shape.Layers * shape.LinearParametersPerLayer
                : 0;
        long layer = 4 * slots * ((8L * shape.Hidden) + (4L * shape.Inner) + (2L * shape.Heads * shape.HeadSize));
        long scores = 4 * slots * longest * shape.Heads;
        long cache = 4 * slots * 2L * shape.KeyValueHeads * shape.HeadSize * shape.Layers;
        return Program
            + weights
            + (training.Method == TrainingMethod.Full ? 0 : folded)
            + layer
            + scores
            + cache
            + InferenceLogits;
    }

    /// <summary>
    /// What a layer keeps: flat for most of it, side by side and with repeated keys and values for attention.
    /// </summary>
    /// <param name="shape">The base's.</param>
    /// <param name="tokens">Tokens.</param>
    /// <param name="slots">Rows times the longest one's tokens.</param>
    public static long LayerBytes(BaseShape shape, long tokens, long slots)
    {
        ArgumentNullException.ThrowIfNull(shape);
        long flat =
            tokens
            * ((4L * shape.Hidden) + (3L * shape.Inner) + (2L * shape.HeadSize * (shape.Heads + shape.KeyValueHeads)));
        return 4 * (flat + (slots * shape.HeadSize * ((4L * shape.Heads) + (2L * shape.KeyValueHeads))));
    }
}
