using Pipeline.Model.Lora;
using Pipeline.Model.Quantization;
using Pipeline.Training.Optimization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.GpuWorker.Tests.Training.Optimization;

/// <summary>
/// AdamW in 8 bits against the formulas of bitsandbytes' kernels, computed apart from ours: by torch, in float64,
/// nearest codes by brute force.
/// </summary>
public sealed class AdamW8BitTests
{
    private const long Large = 5000; // twenty blocks, the last one short
    private const long Small = 300; // stays in float32

    /// <summary>The first values from the definition: 2^(i+1) equal parts of [0.1, 1] a decade, from 1e-6 up.</summary>
    [Fact]
    public void OfPositives_IsTheMapOfTheDefinition()
    {
        float[] code = DynamicCode.OfPositives();

        Assert.Equal(256, code.Length);
        Assert.Equal(256, code.Distinct().Count());
        Assert.Equal(code.Order(), code);
        Assert.Equal((0f, 1f), (code[0], code[255]));
        Assert.All(
            ((int, double)[])
                [(1, 0.325e-6), (2, 0.775e-6), (3, 0.2125e-5), (6, 0.8875e-5), (7, 0.15625e-4), (254, 1 - (0.9 / 256))],
            e => Assert.Equal(e.Item2, code[e.Item1], 1e-6 * e.Item2)
        );
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.1)]
    public void Step_FollowsTheReferenceFormulas(double weightDecay)
    {
        using var trained = new Two();
        using var optimizer = new AdamW8Bit(trained, weightDecay);
        using var generator = new Generator(7);
        trained.Values.copy_(randn(Large + Small, generator: generator));
        using DisposeScope all = NewDisposeScope();
        for (int step = 1; step <= 25; step++)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor gradient = randn(Large + Small, generator: generator).mul_(Math.Pow(10, step % 4 - 3));
            gradient[TensorIndex.Slice(256, 512)] = 0; // a block that has never moved
            gradient[TensorIndex.Slice(512, 768)] = step == 1 ? 1 : 1e-9; // one whose mean fades
            trained.Gradients.copy_(gradient);
            Dictionary<string, Tensor> before = optimizer.State.ToDictionary(s => s.Name, s => s.Value.clone());
            Tensor values = trained.Values.clone();

            optimizer.Step(1e-2);

            (Tensor expected, Tensor first, Tensor second) = Reference(
                values,
                gradient,
                before,
                step,
                1e-2,
                weightDecay
            );
            Assert.Equal(0, trained.Values.to(float64).sub(expected).abs().max().item<double>(), 2e-6);
            Dictionary<string, Tensor> after = optimizer.State.ToDictionary(s => s.Name, s => s.Value);
            AssertCodes(
                first[TensorIndex.Slice(0, Large)],
                after["first_codes"],
                after["first_absmax"],
                DynamicCode.OfBothSigns(),
                keepsSign: true
            );
            AssertCodes(
                second[TensorIndex.Slice(0, Large)],
                after["second_codes"],
                after["second_absmax"],
                DynamicCode.OfPositives(),
                keepsSign: false
            );
            Assert.Equal(
                0,
                after["first_moment"].to(float64).sub(first[TensorIndex.Slice(Large)]).abs().max().item<double>(),
                1e-6
            );
            Assert.Equal(0, trained.Gradients.abs().max().item<float>());
        }
    }

    /// <summary>bitsandbytes keeps two bytes and 8/256 of one a number; so do we.</summary>
    [Fact]
    public void State_Of5000Numbers_IsTwoBytesANumberAndTwoAbsmaxABlock()
    {
        using var trained = new Two();
        using var optimizer = new AdamW8Bit(trained, 0);

        Assert.Equal(
            (2 * Large) + (2 * 4 * 20) + (2 * 4 * Small),
            optimizer.State.Sum(s => s.Value.NumberOfElements * s.Value.ElementSize)
        );
    }

    private static (Tensor Values, Tensor First, Tensor Second) Reference(
        Tensor values,
        Tensor gradient,
        Dictionary<string, Tensor> state,
        int step,
        double rate,
        double decay
    )
    {
        Tensor Moment(string name, float[] code) =>
            cat([
                tensor(code)
                    .to(float64)
                    .index_select(0, state[name + "_codes"].to(int64))
                    .mul(state[name + "_absmax"].to(float64).repeat_interleave(256)[TensorIndex.Slice(0, Large)]),
                state[name + "_moment"].to(float64),
            ]);
        (double beta1, double beta2) = (0.9f, 0.999f); // the kernel has them in float32, and 1 - 0.999f is not 0.001
        Tensor g = gradient.to(float64);
        Tensor first = Moment("first", DynamicCode.OfBothSigns()).mul(beta1).add(g, alpha: 1 - beta1);
        Tensor second = Moment("second", DynamicCode.OfPositives()).mul(beta2).add(g.square(), alpha: 1 - beta2);
        double correction = Math.Sqrt(1 - Math.Pow(beta2, step));
        Tensor moved = values
            .to(float64)
            .add(
                first.div(second.sqrt().add(correction * 1e-8)),
                alpha: -rate * correction / (1 - Math.Pow(beta1, step))
            );
        moved[TensorIndex.Slice(0, Large)] = moved[TensorIndex.Slice(0, Large)].mul(1 - (rate * decay));
        return (moved, first, second);
    }

    /// <summary>
    /// Each code is the nearest, or as near as float32 tells, and of the same sign where that counts.
    /// </summary>
    private static void AssertCodes(Tensor values, Tensor codes, Tensor absmax, float[] code, bool keepsSign)
    {
        double[] expected = values.data<double>().ToArray();
        byte[] held = codes.data<byte>().ToArray();
        float[] largest = absmax.data<float>().ToArray();
        for (int i = 0; i < expected.Length; i++)
        {
            double scale = largest[i / 256];
            Assert.Equal(expected.Skip(i / 256 * 256).Take(256).Max(Math.Abs), scale, 1e-5 * scale);
            if (scale == 0)
            {
                Assert.Equal(0, code[held[i]]);
                continue;
            }

            double wanted = expected[i] / scale;
            float[] allowed = keepsSign && wanted < -1e-7 ? [.. code.Where(c => c < 0)] : code;
            Assert.True(
                Math.Abs(code[held[i]] - wanted) <= allowed.Min(c => Math.Abs(c - wanted)) + 1e-6,
                $"number {i}: {wanted} was given the code {code[held[i]]}"
            );
        }
    }

    private sealed class Two : TrainableTensors
    {
        public Two()
            : base(Large + Small, decayed: Large, CPU)
        {
            Take("large", Large / 50, 50);
            Take("small", Small);
        }

        public override bool MovesAtOnce => true;

        public override IEnumerable<string> Unmoved() => [];
    }
}
