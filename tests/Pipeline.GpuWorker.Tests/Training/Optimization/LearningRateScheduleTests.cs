using Pipeline.Training.Optimization;

namespace Pipeline.GpuWorker.Tests.Training.Optimization;

public sealed class LearningRateScheduleTests
{
    [Theory]
    [InlineData("constant", 0, 0.0)]
    [InlineData("constant", 5, 0.5)]
    [InlineData("constant", 60, 1.0)]
    [InlineData("linear", 55, 0.5)]
    [InlineData("cosine", 55, 0.5)]
    [InlineData("cosine", 100, 0.0)]
    public void Rate_Schedules_FollowTheReference(string schedule, int step, double expected) =>
        Assert.Equal(expected, LearningRateSchedule.Rate(schedule, 1, step, 10, 100), 1e-12);
}
