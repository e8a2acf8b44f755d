using Pipeline.Model.Lora;
using static TorchSharp.torch;

namespace Pipeline.GpuWorker.Tests.Model.Adapters;

public sealed class CounterDropoutTests
{
    [Fact]
    public void Mask_LargeAndOdd_KeepsTheShareAndTheMean()
    {
        using Tensor mask = CounterDropout.Mask([1001, 333], 0.1, 7);
        float[] values = mask.data<float>().ToArray();

        Assert.InRange(values.Count(v => v == 0) / (double)values.Length, 0.098, 0.102);
        Assert.InRange(values.Average(), 0.998, 1.002);
        Assert.Equal(2, values.Distinct().Count());
    }

    [Fact]
    public void Mask_OtherSeedOrIndex_DropsIndependently()
    {
        bool[] Dropped(uint seed)
        {
            using Tensor mask = CounterDropout.Mask([100_000], 0.5, seed);
            return [.. mask.data<float>().Select(v => v == 0)];
        }
        bool[] first = Dropped(CounterDropout.Derive(1, 0));

        Assert.Equal(first, Dropped(CounterDropout.Derive(1, 0)));
        foreach (uint other in (uint[])[CounterDropout.Derive(1, 1), CounterDropout.Derive(2, 0), 8])
        {
            Assert.InRange(first.Zip(Dropped(other)).Count(p => p.First == p.Second), 49_000, 51_000);
        }

        Assert.InRange(first.Zip(first.Skip(1)).Count(p => p.First == p.Second), 49_000, 51_000);
    }

    [Fact]
    public void Mask_PartOfALargerOne_IsTheSame()
    {
        using Tensor whole = CounterDropout.Mask([200_003], 0.3, 5);
        using Tensor part = CounterDropout.Mask([1_003], 0.3, 5);

        Assert.Equal(part.data<float>().ToArray(), whole.data<float>().ToArray()[..1_003]);
    }
}
