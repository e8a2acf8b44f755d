using System.Text.Json;
using Pipeline.Evaluation.Scoring;
using Pipeline.Model.Checkpoints;
using Pipeline.Model.Gpu;
using Pipeline.Model.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Worker.Parity;

/// <summary>Logits, loss and greedy continuation of a checkpoint.</summary>
internal static class ForwardParity
{
    public static IReadOnlyList<ParityResult> Check(string folder, string name, Accelerator? gpu) =>
        ParityModels.Each(folder, name, gpu, (model, way) => Check(model, folder, way));

    private static List<ParityResult> Check(ICausalModel model, string folder, string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable frozen = no_grad();
        using SafetensorsFile expected = SafetensorsFile.Open(Path.Combine(folder, "expected.safetensors"));
        Tensor ids = expected.Read("input_ids");
        Tensor attended = expected.Read("attention_mask").to(ScalarType.Bool);
        Tensor logits = model.Logits(model.Forward(ids)).cpu(); // [batch, n, vocabulary]
        double logitError = logits.sub(expected.Read("logits")).abs()[attended].max().item<float>();

        Tensor labels = expected.Read("labels");
        long count = ids.shape[1];
        Tensor predicted = logits.narrow(1, 0, count - 1).reshape(-1, logits.shape[2]);
        double loss = nn
            .functional.cross_entropy(predicted, labels.narrow(1, 1, count - 1).reshape(-1), ignore_index: -100)
            .item<float>();
        using JsonDocument reference = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "expected.json")));
        double referenceLoss = reference.RootElement.GetProperty("loss").GetDouble();

        var results = new List<ParityResult>
        {
            new(name, "logits, absolute", logitError, 5e-5),
            new(name, "loss, relative", Math.Abs(loss - referenceLoss) / referenceLoss, 5e-6),
        };
        if (expected.Entries.ContainsKey("greedy"))
        {
            int[] greedy = [.. expected.Read("greedy").data<long>().Select(i => (int)i)];
            IReadOnlyList<int> written = AnswerGenerator
                .Continue(model, [greedy[..8]], greedy.Length - 8, stopIds: [])[0]
                .Ids;
            results.Add(
                new(
                    name,
                    "greedy ids that differ",
                    greedy[8..].Zip(written).Count(p => p.First != p.Second)
                        + Math.Abs(greedy.Length - 8 - written.Count),
                    0
                )
            );
        }

        return results;
    }
}
