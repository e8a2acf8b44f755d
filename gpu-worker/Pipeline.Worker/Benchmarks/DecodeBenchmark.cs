using System.Diagnostics;
using Pipeline.Model.Checkpoints;
using Pipeline.Model.Gpu;
using Pipeline.Model.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Worker.Benchmarks;

/// <summary>
/// Greedy generation with a cache, of a shape with random weights in NF4: the prompt at once, then token by token.
/// </summary>
internal static class DecodeBenchmark
{
    private const int PromptTokens = 128;

    /// <summary>Times a number of rows side by side.</summary>
    /// <param name="kernels">The kernels.</param>
    /// <param name="device">Where.</param>
    /// <param name="config">The shape.</param>
    /// <param name="one">The case.</param>
    /// <param name="repeats">The best of so many.</param>
    /// <param name="freeBytes">Memory of the device before the model.</param>
    public static DecodeBenchmarkResult Run(
        GpuKernels kernels,
        Device device,
        LlamaConfig config,
        DecodeCase one,
        int repeats,
        long freeBytes
    )
    {
        (int rows, int tokens) = one;
        using IDisposable frozen = no_grad();
        using DisposeScope scope = NewDisposeScope();
        using GpuModel model = GpuModel.Random(config, kernels.Real, device);
        using var causal = new GpuCausalModel(model, null, kernels, freeBytes - model.Bytes);
        Tensor prompts = randint(config.VocabularySize, [rows, PromptTokens], dtype: ScalarType.Int64, device: device);
        (double prompt, double decode) = (double.MaxValue, double.MaxValue);
        for (int i = 0; i <= repeats; i++)
        {
            (double first, double others) = Once(causal, prompts, tokens, device);
            if (i > 0) // the first one warms up
            {
                (prompt, decode) = (Math.Min(prompt, first), Math.Min(decode, others));
            }
        }

        double perToken = decode / (tokens - 1);
        return new DecodeBenchmarkResult(
            $"decode{rows}x{tokens}",
            rows,
            Math.Round(1000 * prompt, 2),
            Math.Round(1000 * perToken, 3),
            Math.Round(rows / perToken)
        );
    }

    private static (double Prompt, double Decode) Once(GpuCausalModel model, Tensor prompts, int tokens, Device device)
    {
        using DisposeScope scope = NewDisposeScope();
        using var cache = new KeyValueCache(model.Config.Layers);
        GpuBenchmark.Synchronize(device);
        long started = Stopwatch.GetTimestamp();
        Tensor hidden = model.Forward(
            prompts,
            arange(PromptTokens, dtype: ScalarType.Int64).unsqueeze(0),
            mask: null,
            cache,
            keep: true
        );
        Tensor next = model.Logits(hidden.narrow(1, PromptTokens - 1, 1)).argmax(-1); // [rows, 1]
        GpuBenchmark.Synchronize(device);
        double prompt = Stopwatch.GetElapsedTime(started).TotalSeconds;
        started = Stopwatch.GetTimestamp();
        for (int i = 0; i < tokens - 1; i++)
        {
            using DisposeScope inner = NewDisposeScope();
            Tensor position = full([1, 1], (long)(PromptTokens + i), dtype: ScalarType.Int64);
            next = model
                .Logits(model.Forward(next, position, mask: null, cache, keep: true))
                .argmax(-1)
                .MoveToOuterDisposeScope();
        }

        GpuBenchmark.Synchronize(device);
        return (prompt, Stopwatch.GetElapsedTime(started).TotalSeconds);
    }
}

/// <summary>One case of <c>bench decode</c>.</summary>
/// <param name="Rows">Rows side by side.</param>
/// <param name="Tokens">Tokens written a row.</param>
internal readonly record struct DecodeCase(int Rows, int Tokens);

/// <summary>One line of <c>bench decode</c>.</summary>
/// <param name="Case">Rows and tokens written.</param>
/// <param name="Rows">Rows side by side.</param>
/// <param name="PromptMs">Milliseconds for the prompts of 128 tokens, best of several.</param>
/// <param name="TokenMs">Milliseconds a token after them, best of several.</param>
/// <param name="TokS">Tokens a second, all rows together.</param>
internal sealed record DecodeBenchmarkResult(string Case, int Rows, double PromptMs, double TokenMs, double TokS);
