using System.Numerics.Tensors;
using System.Text;
using LLama;
using LLama.Common;
using LLama.Exceptions;
using LLama.Native;
using Pipeline.Evaluation.Scoring;

namespace Pipeline.Export.LlamaCpp;

/// <summary>
/// A GGUF file computed by llama.cpp on the CPU, as it will be served. A native fault ends the process: whatever must
/// outlive it asks from another one.
/// </summary>
public sealed class LlamaCppModel : IAnswerModel, IDisposable
{
    private const int Sequences = 16; // the prompt's, and those of answers that are read beside each other after it
    private const int BatchTokens = 2048;
    private readonly LLamaWeights _weights;
    private readonly LLamaContext _context;

    private LlamaCppModel(LLamaWeights weights, LLamaContext context) => (_weights, _context) = (weights, context);

    /// <summary>Bytes of the weights in memory.</summary>
    public long WeightBytes => (long)_weights.SizeInBytes;

    /// <summary>Opens a file.</summary>
    /// <param name="path">A GGUF file that was written here.</param>
    /// <param name="positions">Longest sequence, prompt and answer together, in tokens.</param>
    /// <exception cref="InvalidDataException">llama.cpp does not read it.</exception>
    public static LlamaCppModel Open(string path, int positions)
    {
        LlamaCppLog.Begin();
        var parameters = new ModelParams(path)
        {
            ContextSize = (uint)(2 * positions), // answers share the prompt before them
            SeqMax = Sequences,
            BatchSize = BatchTokens,
            UBatchSize = BatchTokens,
            Threads = Environment.ProcessorCount,
            BatchThreads = Environment.ProcessorCount,
            GpuLayerCount = 0,
            FlashAttention = false,
            KVUnified = true,
            TypeK = GGMLType.GGML_TYPE_F32, // halves would cost the log-likelihoods three digits
            TypeV = GGMLType.GGML_TYPE_F32,
        };
        LLamaWeights? weights = null;
        try
        {
            weights = LLamaWeights.LoadFromFile(parameters);
            return new LlamaCppModel(weights, weights.CreateContext(parameters));
        }
        catch (Exception fault) when (fault is LoadWeightsFailedException or RuntimeError)
        {
            weights?.Dispose();
            throw new InvalidDataException(
                $"llama.cpp does not read '{path}': {LlamaCppLog.Last ?? fault.Message}",
                fault
            );
        }
    }

    /// <summary>The ids of a text, control tokens not parsed, none put in front.</summary>
    public IReadOnlyList<int> Tokenize(string text) =>
        [.. _weights.Tokenize(text, false, false, Encoding.UTF8).Select(t => (int)t)];

    /// <summary>Next-token logits after a prompt, [vocabulary].</summary>
    /// <param name="ids">The prompt's.</param>
    public float[] Logits(IReadOnlyList<int> ids)
    {
        Forget();
        return Read(ids, 0).ToArray();
    }

    /// <inheritdoc/>
    public IReadOnlyList<IReadOnlyList<double>> ScoreLabels(
        IReadOnlyList<IReadOnlyList<int>> prompts,
        IReadOnlyList<IReadOnlyList<int>> answers,
        Action<int>? onRows,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(prompts);
        List<IReadOnlyList<double>> scores = [];
        foreach (IReadOnlyList<int> prompt in prompts)
        {
            cancellation.ThrowIfCancellationRequested();
            scores.Add([.. answers.Chunk(Sequences - 1).SelectMany(some => Score(prompt, some))]);
            onRows?.Invoke(scores.Count);
        }

        return scores;
    }

    /// <inheritdoc/>
    public IReadOnlyList<double> ScoreAnswers(
        IReadOnlyList<(IReadOnlyList<int> Prompt, IReadOnlyList<int> Answer)> rows,
        Action<int>? onRows,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(rows);
        List<double> scores = [];
        foreach ((IReadOnlyList<int> prompt, IReadOnlyList<int> answer) in rows)
        {
            cancellation.ThrowIfCancellationRequested();
            scores.Add(Score(prompt, [answer])[0]);
            onRows?.Invoke(scores.Count);
        }

        return scores;
    }

    /// <inheritdoc/>
    public IReadOnlyList<(IReadOnlyList<int> Ids, bool Stopped)> Write(
        IReadOnlyList<IReadOnlyList<int>> prompts,
        int mostTokens,
        IReadOnlyList<int> stopIds,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(prompts);
        return [.. prompts.Select(p => Write(p, mostTokens, stopIds, cancellation))];
    }

    public void Dispose()
    {
        _context.Dispose();
        _weights.Dispose();
    }

    private (IReadOnlyList<int> Ids, bool Stopped) Write(
        IReadOnlyList<int> prompt,
        int mostTokens,
        IReadOnlyList<int> stopIds,
        CancellationToken cancellation
    )
    {
        Forget();
        List<int> written = [];
        ReadOnlySpan<float> logits = Read(prompt, 0);
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            int next = TensorPrimitives.IndexOfMax(logits);
            if (stopIds.Contains(next))
            {
                return (written, true);
            }

            written.Add(next);
            if (written.Count == mostTokens)
            {
                return (written, false);
            }

            logits = Read([next], prompt.Count + written.Count - 1);
        }
    }

    /// <summary>
    /// Reads the prompt once, and every answer after it in a sequence of its own: each token's log-likelihood, summed.
    /// </summary>
    private double[] Score(IReadOnlyList<int> prompt, IReadOnlyList<int>[] answers)
    {
        Forget();
        ReadOnlySpan<float> first = Read(prompt, 0);
        var sums = new double[answers.Length];
        var batch = new LLamaBatch();
        List<(int Answer, int Next, int Place)> later = [];
        for (int answer = 0; answer < answers.Length; answer++)
        {
            IReadOnlyList<int> ids = answers[answer];
            var sequence = (LLamaSeqId)(answer + 1);
            sums[answer] = LogLikelihood(first, ids[0]);
            _context.NativeHandle.MemorySequenceCopy(LLamaSeqId.Zero, sequence, 0, prompt.Count);
            for (int at = 0; at + 1 < ids.Count; at++)
            {
                later.Add((answer, ids[at + 1], batch.Add(ids[at], prompt.Count + at, sequence, true)));
            }
        }

        if (later.Count > 0)
        {
            Decode(batch);
        }

        foreach ((int answer, int next, int place) in later)
        {
            sums[answer] += LogLikelihood(_context.NativeHandle.GetLogitsIth(place), next);
        }

        return sums;
    }

    /// <summary>Reads what follows in the first sequence.</summary>
    /// <returns>Logits after the last id, good until the next call.</returns>
    private ReadOnlySpan<float> Read(IReadOnlyList<int> ids, int from)
    {
        int place = 0;
        foreach (int[] part in ids.Chunk(BatchTokens))
        {
            var batch = new LLamaBatch();
            for (int i = 0; i < part.Length; i++)
            {
                place = batch.Add(part[i], from + i, LLamaSeqId.Zero, i + 1 == part.Length);
            }

            Decode(batch);
            from += part.Length;
        }

        return _context.NativeHandle.GetLogitsIth(place);
    }

    private void Decode(LLamaBatch batch)
    {
        DecodeResult result = _context.NativeHandle.Decode(batch);
        if (result != DecodeResult.Ok)
        {
            throw new InvalidDataException($"llama.cpp could not read {batch.TokenCount} tokens: {result}.");
        }
    }

    private void Forget() => _context.NativeHandle.MemoryClear();

    /// <summary>Natural-log likelihood of a token, in float64 over float32 logits.</summary>
    private static double LogLikelihood(ReadOnlySpan<float> logits, int token)
    {
        double most = TensorPrimitives.Max(logits);
        double sum = 0;
        foreach (float logit in logits)
        {
            sum += Math.Exp(logit - most);
        }

        return logits[token] - most - Math.Log(sum);
    }
}
