using Pipeline.Training.Batching;

namespace Pipeline.GpuWorker.Tests.Training.Batching;

public sealed class BatchPlanTests
{
    [Fact]
    public void Epoch_Plan_TakesEveryRowOnceInAnOrderOfItsOwn()
    {
        int[] lengths = [.. Enumerable.Range(0, 103).Select(i => (i * 37) % 50)];

        List<int> first = [.. BatchPlan.Epoch(lengths, 8, 1, 0).SelectMany(b => b)];
        List<int> second = [.. BatchPlan.Epoch(lengths, 8, 1, 1).SelectMany(b => b)];

        Assert.Equal(Enumerable.Range(0, 103), first.Order());
        Assert.NotEqual(first, second);
        Assert.Equal(first, BatchPlan.Epoch(lengths, 8, 1, 0).SelectMany(b => b));
    }
}
