using System.Text.Json;
using Pipeline.Evaluation.Scoring;
using Pipeline.Model.Gpu;
using Pipeline.Model.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Worker.Parity;

/// <summary>A real checkpoint's greedy continuations, and its logits at the first and the last position.</summary>
internal static class GenerationParity
{
    private const double LogitTolerance = 5e-5;

    public static IReadOnlyList<ParityResult> Check(
        string folder,
        string name,
        string modelDirectory,
        Accelerator? gpu
    ) => ParityModels.Each(modelDirectory, name, gpu, (model, way) => Check(model, folder, way));

    private static ParityResult[] Check(ICausalModel model, string folder, string name)
    {
        using IDisposable frozen = no_grad();
        using JsonDocument document = JsonDocument.Parse(
            File.ReadAllBytes(Path.Combine(folder, "reference_greedy.json"))
        );
        int cases = 0;
        int differ = 0;
        double logits = 0;
        foreach (JsonElement reference in document.RootElement.EnumerateArray())
        {
            int[] prompt = Integers(reference.GetProperty("prompt_ids"));
            int[] expected = Integers(reference.GetProperty("greedy_ids")); // the prompt's among them
            IReadOnlyList<int> written = AnswerGenerator
                .Continue(model, [prompt], expected.Length - prompt.Length, stopIds: [])[0]
                .Ids;
            cases++;
            differ += expected.AsSpan(prompt.Length).SequenceEqual([.. written]) ? 0 : 1;
            logits = Math.Max(logits, LogitError(model, expected, reference));
        }

        return
        [
            new(name, $"greedy continuations that differ, of {cases}", differ, 0),
            new(name, "logits, absolute", logits, LogitTolerance),
        ];
    }

    private static double LogitError(ICausalModel model, int[] ids, JsonElement reference)
    {
        using DisposeScope scope = NewDisposeScope();
        // [n, vocabulary]
        Tensor logits = model.Logits(model.Forward(tensor([.. ids.Select(i => (long)i)], [1, ids.Length]))).cpu()[0];
        double Error(string key, int position) =>
            reference.TryGetProperty(key, out JsonElement expected)
                ? logits[position]
                    .sub(tensor([.. expected.EnumerateArray().Select(v => v.GetSingle())]))
                    .abs()
                    .max()
                    .item<float>()
                : 0;
        return Math.Max(
            Error("logits_pos0", 0),
            Error(
                "logits_last",
                reference.TryGetProperty("logits_last_pos", out JsonElement last) ? last.GetInt32() : ids.Length - 1
            )
        );
    }

    private static int[] Integers(JsonElement array) => [.. array.EnumerateArray().Select(i => i.GetInt32())];
}
