using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using Pipeline.Contracts;

namespace Pipeline.LocalHost.Tests.Hosting;

/// <summary>Ten thousand wrong verdicts from one address: none is lost, none gets slower, nobody wins.</summary>
[Trait("Tier", "Slow")]
[Collection(OneHost.Name)]
public sealed class FloodTests(HostFixture host, ITestOutputHelper output)
{
    private const string Project = "flooded";
    private const int Posts = 10_000;
    private const int AtOnce = 16;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Posts_TenThousandWrongOnes_LoseNoVerdictAndPromoteNothing()
    {
        await host.PutProjectAsync(
            Project,
            HostFixture.QuickYaml
                + $"feedback: {{ reviewerPerDay: {2 * Posts} }}\n"
                + "retraining: { feedbackCount: 50, scheduledMinimum: 1000000 }\n"
        );
        await host.DropAsync(Project, "a.csv", HostFixture.Rows(300));
        await host.WaitAsync(Project, HostFixture.HasEnded);
        double[] milliseconds = new double[Posts];
        long started = Stopwatch.GetTimestamp();
        await Parallel.ForAsync(
            0,
            Posts,
            new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = Cancellation },
            async (i, cancellation) =>
            {
                long begun = Stopwatch.GetTimestamp();
                using HttpResponseMessage answer = await host.Http.PostAsJsonAsync(
                    $"api/projects/{Project}/feedback",
                    new
                    {
                        text = $"good morning friend x{i}",
                        score = -1,
                        correction = "number",
                    },
                    cancellation
                );
                Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
                milliseconds[i] = Stopwatch.GetElapsedTime(begun).TotalMilliseconds;
            }
        );
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        output.WriteLine(
            $"{Posts} posts, {AtOnce} at once, in {seconds:0.0} s; median of the first thousand "
                + $"{Median(milliseconds[..1000]):0} ms, of the last {Median(milliseconds[^1000..]):0} ms"
        );

        await AssertLogAsync();
        await AssertChampionAsync();
    }

    private async Task AssertLogAsync() =>
        Assert.Equal(
            Posts,
            (await host.Storage.ReadVerdictsAsync(Project)).Select(v => v.Text).Distinct(StringComparer.Ordinal).Count()
        );

    /// <summary>Those without a key overrule nothing, and no held-out row is theirs.</summary>
    private async Task AssertChampionAsync()
    {
        RunRecord retrained = await host.WaitAsync(
            Project,
            r => r.Trigger == RunTrigger.Feedback && HostFixture.HasEnded(r)
        );
        while ((await host.Storage.Runs.ListAsync(Project, Cancellation)).Any(r => r.State == RunState.Running))
        {
            await Task.Delay(500, Cancellation);
        }

        RegistryPointer registry = await host.Storage.Registry.GetAsync(Project, Cancellation);
        output.WriteLine(string.Join('\n', registry.Decisions.Values));
        Assert.Equal(RunState.Completed, retrained.State);
        Assert.Equal(1, registry.Champion);
        Assert.True(registry.Published.Count >= 2);
    }

    private static double Median(double[] values) => values.Order().ElementAt(values.Length / 2);
}
