using System.Diagnostics;
using Pipeline.LocalHost.Durable;

namespace Pipeline.LocalHost.Tests.Durable.Crashing;

/// <summary>The real orchestrations crash at every commit in turn, before it and after it, and come to the same end.</summary>
public sealed class CrashTests(ITestOutputHelper output)
{
    public static TheoryData<int, CommitPhase> Cases
    {
        get
        {
            var cases = new TheoryData<int, CommitPhase>();
            for (int i = 0; i < CrashScenario.All.Count; i++)
            {
                cases.Add(i, CommitPhase.Before);
                cases.Add(i, CommitPhase.After);
            }

            return cases;
        }
    }

    private const int Fewer = 3; // commits that a run may have less than the calm one: a turn takes up two results or one

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Crash_AtEveryCommit_ComesToTheSameEnd(int index, CommitPhase phase)
    {
        CrashScenario scenario = CrashScenario.All[index];
        var calm = new CrashRun(scenario, phase, crashAt: -1);
        string expected = await calm.RunAsync();
        Assert.Equal(1, calm.Lives);
        Assert.Contains(scenario.DatasetFault is null ? "Completed" : "Failed", expected, StringComparison.Ordinal);

        long started = Stopwatch.GetTimestamp();
        int point = 0;
        while (true)
        {
            var run = new CrashRun(scenario, phase, ++point);
            string left = await run.RunAsync();
            if (!run.Crashed)
            {
                break; // it ended before there were so many
            }

            Assert.Equal((point, expected), (point, left));
            // After the last commit nothing is left to do; which one is the last varies with how many results a turn takes up.
            Assert.True(run.Lives == 2 || (phase == CommitPhase.After && point >= calm.Commits - Fewer), $"{run.Lives} lives at point {point}");
        }

        output.WriteLine($"{scenario}, {phase} the commit: {point - 1} crash points, {calm.Commits} commits in the calm run, {Stopwatch.GetElapsedTime(started).TotalSeconds:0.0} s");
        Assert.InRange(point - 1, calm.Commits - Fewer, int.MaxValue);
        Assert.True(calm.Commits >= 8, $"only {calm.Commits} commits");
    }
}
