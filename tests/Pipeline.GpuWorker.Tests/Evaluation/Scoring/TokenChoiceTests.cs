using Pipeline.Evaluation.Scoring;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.GpuWorker.Tests.Evaluation.Scoring;

public sealed class TokenChoiceTests
{
    /// <summary>Probabilities 0.5, 0.3, 0.15, 0.05 at temperature 1.</summary>
    private static Tensor Logits() => tensor((float[])[0.5f, 0.3f, 0.15f, 0.05f]).log().unsqueeze(0);

    [Fact]
    public void Choose_TemperatureZero_IsTheLikeliest()
    {
        using DisposeScope scope = NewDisposeScope();

        Assert.Equal([0L], TokenChoice.Greedy.Choose(Logits()));
    }

    [Theory]
    [InlineData(1.0, new[] { 0.5, 0.3, 0.15, 0.05 })]
    [InlineData(0.9, new[] { 0.5 / 0.95, 0.3 / 0.95, 0.15 / 0.95, 0.0 })]
    [InlineData(0.5, new[] { 1.0, 0.0, 0.0, 0.0 })]
    public void Choose_TopP_DrawsFromTheSmallestSetThatReachesIt(double topP, double[] expected)
    {
        using DisposeScope scope = NewDisposeScope();
        var choice = new TokenChoice(1, topP, seed: 7);
        Tensor logits = Logits();
        var counts = new int[4];
        const int Draws = 4000;

        for (int i = 0; i < Draws; i++)
        {
            counts[choice.Choose(logits)[0]]++;
        }

        for (int i = 0; i < 4; i++)
        {
            Assert.InRange(counts[i] / (double)Draws, expected[i] - 0.03, expected[i] + 0.03);
        }

        Assert.Equal(expected.Count(e => e == 0), counts.Count(c => c == 0));
    }

    [Fact]
    public void Choose_LowTemperature_SharpensAndTheSeedRepeats()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor logits = Logits();
        long[] Draw(int seed)
        {
            var choice = new TokenChoice(0.25, 1, seed);
            return [.. Enumerable.Range(0, 500).Select(_ => choice.Choose(logits)[0])];
        }

        Assert.Equal(Draw(1), Draw(1));
        Assert.InRange(Draw(1).Count(t => t == 0) / 500.0, 0.83, 0.94); // 0.5^4 over the sum of fourth powers: 0.878
    }
}
