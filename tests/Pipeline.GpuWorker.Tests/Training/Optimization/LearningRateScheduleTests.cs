using Pipeline.Contracts;
using Pipeline.Training.Optimization;

namespace Pipeline.GpuWorker.Tests.Training.Optimization;

public sealed class LearningRateScheduleTests
{
    [Theory]
    [InlineData(RateSchedule.Constant, 0, 0.0)]
    [InlineData(RateSchedule.Constant, 5, 0.5)]
    [InlineData(RateSchedule.Constant, 60, 1.0)]
    [InlineData(RateSchedule.Linear, 55, 0.5)]
    [InlineData(RateSchedule.Cosine, 55, 0.5)]
    [InlineData(RateSchedule.Cosine, 100, 0.0)]
    public void Rate_Schedules_FollowTheReference(RateSchedule schedule, int step, double expected) =>
        Assert.Equal(expected, LearningRateSchedule.Rate(schedule, 1, step, 10, 100), 1e-12);
}
